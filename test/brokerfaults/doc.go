// Package brokerfaults holds the source to the oracle through whatever Kafka
// and the schema registry can do to it: leaders and coordinators that move,
// writes that were done although the answer says otherwise or never comes,
// transactions that the coordinator ends, quotas, limits, topics that are gone
// or forbidden, a registry that is down or talks nonsense, a starved process.
//
// Each story is one row of a table and one subtest. The source is the real one,
// against an embedded broker and a simulated vendor whose records change
// before, during and after the trouble. Then a fresh change has to be on its
// topic within ten seconds, and the topics are judged: nothing lost, invented or
// repeated for readers of committed records, sequence numbers strictly
// increasing for everyone, every remembered place in the log the right one.
//
// world_test.go has the parts, wire_test.go the connection that lies,
// story_test.go how a story goes. TestRandomFaults makes stories up; its seed is
// printed, BROKERFAULTS_SEED plays one again and BROKERFAULTS_FOR makes it longer.
package brokerfaults
