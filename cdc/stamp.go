package cdc

import "time"

// ParseStamp reads a date and time, "2026-03-04T15:21:09.412Z", as ms since
// 1970-01-01 UTC. The fraction may be missing or have any number of digits
// (those past the third are cut off), the zone may be Z, +01:00 or +0100. ok is false for
// anything else, and for moments that are not after 1970-01-01 00:00 UTC.
// It does not allocate.
func ParseStamp(text []byte) (ms int64, ok bool) {
	const seconds = "2006-01-02T15:04:05"
	if len(text) <= len(seconds) || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' {
		return 0, false
	}
	year, month, day := number(text[:4]), number(text[5:7]), number(text[8:10])
	hour, minute, second := number(text[11:13]), number(text[14:16]), number(text[17:19])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || !isClock(hour, minute) || second < 0 || second > 59 {
		return 0, false
	}
	milli, rest, ok := fraction(text[len(seconds):])
	if !ok {
		return 0, false
	}
	zone, ok := zoneMinutes(rest)
	if !ok {
		return 0, false
	}
	moment := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	ms = moment.UnixMilli() + int64(milli) - int64(zone)*60_000
	if ms <= 0 {
		return 0, false
	}
	return ms, true
}

// number reads digits; -1 if there is anything else among them.
func number(text []byte) int {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func isClock(hour, minute int) bool {
	return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59
}

// daysIn is the number of days of a month.
func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// fraction reads ".412", if it is there, as 412 ms; rest is what follows it.
func fraction(text []byte) (milli int, rest []byte, ok bool) {
	if len(text) == 0 || text[0] != '.' {
		return 0, text, true
	}
	end := skipDigits(text, 1)
	for i, weight := 1, 100; i < end && weight > 0; i, weight = i+1, weight/10 {
		milli += int(text[i]-'0') * weight
	}
	return milli, text[end:], end > 1
}

// zoneMinutes reads Z, +01:00 or +0100 as minutes east of Greenwich.
func zoneMinutes(text []byte) (minutes int, ok bool) {
	var hour, minute int
	switch {
	case string(text) == "Z":
		return 0, true
	case len(text) == 6 && text[3] == ':':
		hour, minute = number(text[1:3]), number(text[4:6])
	case len(text) == 5:
		hour, minute = number(text[1:3]), number(text[3:5])
	default:
		return 0, false
	}
	if !isClock(hour, minute) {
		return 0, false
	}
	minutes = hour*60 + minute
	if text[0] == '-' {
		return -minutes, true
	}
	return minutes, text[0] == '+'
}
