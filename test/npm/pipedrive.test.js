// Pipedrive's own client makes every call of the bridge against the simulator; see README.md.
const assert = require('node:assert/strict');
const http = require('node:http');
const { before, after, test } = require('node:test');
const { v1, v2 } = require('pipedrive');

const [base, token] = [process.env.SIMULATOR_URL, process.env.SIMULATOR_TOKEN];
assert.ok(base && token, 'SIMULATOR_URL and SIMULATOR_TOKEN say where the simulator is');
const in1 = new v1.Configuration({ apiKey: token, basePath: `${base}/api/v1` });
const in2 = new v2.Configuration({ apiKey: token, basePath: `${base}/api/v2` });

const deals = new v2.DealsApi(in2);
const organizations = new v2.OrganizationsApi(in2);
const persons = new v2.PersonsApi(in2);
const notes = new v1.NotesApi(in1);
const webhooks = new v1.WebhooksApi(in1);
const users = new v1.UsersApi(in1);

// fails gives the body that the client rejects with.
async function fails(promise) {
  try {
    await promise;
  } catch (body) {
    return body;
  }
  return assert.fail('the call succeeded');
}

// pages reads a whole v2 list, two rows at a time.
async function pages(list, more = {}) {
  const ids = [];
  let cursor;
  do {
    const page = await list({ ...more, limit: 2, cursor });
    assert.equal(page.success, true);
    ids.push(...page.data.map((row) => row.id));
    cursor = page.additional_data.next_cursor ?? undefined;
  } while (cursor);
  assert.equal(new Set(ids).size, ids.length, 'a record is listed once');
  return ids;
}

const second = (text) => text.replace(/\.\d+/, '');

test('deals are listed by cursor, by ids, filters and time', async () => {
  const all = await pages((q) => deals.getDeals(q));
  assert.ok(all.length >= 20);
  const byTime = await pages((q) => deals.getDeals(q), { sort_by: 'update_time', sort_direction: 'desc' });
  assert.deepEqual([...byTime].sort((a, b) => a - b), all);
  const two = await deals.getDeals({ ids: `${all[0]},${all[1]}` });
  assert.deepEqual(two.data.map((d) => d.id), all.slice(0, 2));
  const won = await deals.getDeals({ status: 'won', pipeline_id: 3, limit: 500, updated_since: '2020-01-01T00:00:00Z' });
  assert.ok(won.data.every((d) => d.status === 'won' && d.pipeline_id === 3));
  const none = await deals.getDeals({ updated_since: second(new Date(Date.now() + 3600e3).toISOString()) });
  assert.deepEqual([none.data, none.additional_data.next_cursor], [[], null]);
  const refused = await fails(deals.getDeals({ updated_since: '2020-01-01T00:00:00.123Z' }));
  assert.equal(refused.code, 'ERR_SCHEMA_VALIDATION_FAILED');
});

test('a deal is created, won, archived, deleted and found again', async () => {
  const code = (await new v2.DealFieldsApi(in2).getDealFields({ limit: 500 })).data.find((f) => f.field_name === 'Plan').field_code;
  const made = (await deals.addDeal({ AddDealRequest: { title: 'From npm', value: 12.5, currency: 'SEK', custom_fields: { [code]: 41 } } })).data;
  assert.equal(made.custom_fields[code], 41);
  const won = (await deals.updateDeal({ id: made.id, UpdateDealRequest: { status: 'won' } })).data;
  assert.ok(won.won_time && won.close_time && won.local_won_date);
  const labelled = (await deals.getDeal({ id: made.id, include_option_labels: true, include_fields: 'first_won_time', custom_fields: code })).data;
  assert.deepEqual(labelled.custom_fields[code], { id: 41, label: 'Enterprise' });
  assert.equal(labelled.first_won_time, won.won_time);
  const cleared = (await deals.updateDeal({ id: made.id, UpdateDealRequest: { custom_fields: { [code]: null } } })).data;
  assert.equal(cleared.custom_fields[code], null);

  await deals.updateDeal({ id: made.id, UpdateDealRequest: { is_archived: true } });
  assert.ok((await pages((q) => deals.getArchivedDeals(q))).includes(made.id));
  assert.ok(!(await pages((q) => deals.getDeals(q))).includes(made.id));
  await deals.updateDeal({ id: made.id, UpdateDealRequest: { is_archived: false } });

  assert.deepEqual((await deals.deleteDeal({ id: made.id })).data, { id: made.id });
  assert.equal((await deals.getDeal({ id: made.id })).data.is_deleted, true);
  assert.ok((await pages((q) => deals.getDeals(q), { status: 'deleted' })).includes(made.id));
});

test('what is not there, and what is not allowed', async () => {
  assert.equal((await fails(deals.getDeal({ id: 999999 }))).error, 'Entity was not found');
  const wrong = await fails(deals.addDeal({ AddDealRequest: { title: 'A', nonsense: 1 } }));
  assert.match(wrong.error, /^Validation failed: nonsense: /);
  const stranger = new v2.DealsApi(new v2.Configuration({ apiKey: 'f'.repeat(40), basePath: `${base}/api/v2` }));
  assert.equal((await fails(stranger.getDeals())).errorCode, 401);
});

test('organizations', async () => {
  assert.ok((await pages((q) => organizations.getOrganizations(q))).length >= 5);
  const made = (await organizations.addOrganization({ AddOrganizationRequest: { name: 'Npm AB', address: { value: 'Storgatan 1' }, visible_to: 3 } })).data;
  assert.equal(made.address.value, 'Storgatan 1');
  const renamed = (await organizations.updateOrganization({ id: made.id, UpdateOrganizationRequest: { name: 'Npm Group' } })).data;
  assert.equal(renamed.name, 'Npm Group');
  assert.equal((await organizations.getOrganization({ id: made.id })).data.name, 'Npm Group');
  const found = await organizations.searchOrganization({ term: 'npm group', fields: 'name', exact_match: true });
  assert.deepEqual(found.data.items.map((i) => i.item.id), [made.id]);
  await organizations.deleteOrganization({ id: made.id });
  assert.ok(!(await pages((q) => organizations.getOrganizations(q))).includes(made.id));
});

test('persons, of an organization and of a deal', async () => {
  const org = (await organizations.addOrganization({ AddOrganizationRequest: { name: 'Persons AB' } })).data;
  const made = (await persons.addPerson({ AddPersonRequest: { name: 'Ada Npm', org_id: org.id, emails: [{ value: 'ada@npm.example' }] } })).data;
  assert.deepEqual(made.emails, [{ value: 'ada@npm.example', primary: true, label: 'work' }]);
  const deal = (await deals.addDeal({ AddDealRequest: { title: 'Hers', person_id: made.id, org_id: org.id } })).data;
  assert.deepEqual((await persons.getPersons({ org_id: org.id })).data.map((p) => p.id), [made.id]);
  assert.deepEqual((await persons.getPersons({ deal_id: deal.id })).data.map((p) => p.id), [made.id]);
  assert.deepEqual((await deals.getDeals({ person_id: made.id, org_id: org.id })).data.map((d) => d.id), [deal.id]);
  const edited = (await persons.updatePerson({ id: made.id, UpdatePersonRequest: { emails: [{ value: 'new@npm.example', label: 'home' }] } })).data;
  assert.equal(edited.emails.length, 1);
  assert.equal((await persons.getPerson({ id: made.id })).data.emails[0].value, 'new@npm.example');
  const found = await persons.searchPersons({ term: 'new@npm.example', fields: 'email', exact_match: true });
  assert.equal(found.data.items[0].item.id, made.id);
  await persons.deletePerson({ id: made.id });
  assert.equal((await persons.getPerson({ id: made.id })).data.is_deleted, true);
});

test('pipelines and stages', async () => {
  const pipelines = new v2.PipelinesApi(in2);
  const stages = new v2.StagesApi(in2);
  assert.deepEqual(await pages((q) => pipelines.getPipelines(q)), [1, 3]);
  assert.equal((await pipelines.getPipeline({ id: 3 })).data.name, 'Enterprise');
  const listed = await stages.getStages({ pipeline_id: 3, sort_by: 'order_nr', limit: 500 });
  assert.deepEqual(listed.data.map((s) => s.id), [14, 15, 16, 17]);
  assert.equal((await stages.getStage({ id: 17 })).data.pipeline_id, 3);
});

test('field catalogues', async () => {
  const lists = [
    (q) => new v2.DealFieldsApi(in2).getDealFields(q),
    (q) => new v2.OrganizationFieldsApi(in2).getOrganizationFields(q),
    (q) => new v2.PersonFieldsApi(in2).getPersonFields(q),
  ];
  for (const list of lists) {
    const codes = [];
    let cursor;
    do {
      const page = await list({ limit: 5, cursor });
      codes.push(...page.data.map((f) => f.field_code));
      cursor = page.additional_data.next_cursor ?? undefined;
    } while (cursor);
    assert.equal(new Set(codes).size, codes.length);
    assert.ok(codes.some((c) => /^[0-9a-f]{40}$/.test(c)), 'a custom field is listed');
  }
});

test('products of deals', async () => {
  const api = new v2.DealProductsApi(in2);
  const deal = (await deals.addDeal({ AddDealRequest: { title: 'With products' } })).data;
  const line = { product_id: 9, item_price: 100, quantity: 3, billing_frequency: 'monthly', billing_frequency_cycles: 12, billing_start_date: '2026-12-01' };
  const made = (await api.addDealProduct({ id: deal.id, AddDealProductRequest: line })).data;
  assert.deepEqual((await api.getDealProducts({ id: deal.id, limit: 500 })).data.map((p) => p.id), [made.id]);
  const of = await api.getDealsProducts({ deal_ids: [deal.id, 999999], limit: 500 });
  assert.equal(of.data[0].billing_frequency, 'monthly');
  assert.equal((await deals.getDeal({ id: deal.id })).data.mrr, 300);
});

test('notes by offset, by record and by time', async () => {
  const deal = (await deals.addDeal({ AddDealRequest: { title: 'With notes' } })).data;
  assert.equal((await notes.getNotes({ deal_id: deal.id })).data, null);
  const made = (await notes.addNote({ AddNoteRequest: { content: '<p>Hello</p>', deal_id: deal.id, pinned_to_deal_flag: 1 } })).data;
  assert.equal(made.pinned_to_deal_flag, true);
  await notes.addNote({ AddNoteRequest: { content: 'Second', deal_id: deal.id } });
  const page = await notes.getNotes({ deal_id: deal.id, limit: 1, start: 0 });
  assert.equal(page.additional_data.pagination.next_start, 1);
  assert.equal((await notes.updateNote({ id: made.id, NoteRequest: { content: 'Changed' } })).data.content, 'Changed');
  assert.equal((await notes.getNote({ id: made.id })).data.content, 'Changed');
  const since = await notes.getNotes({ updated_since: second(new Date(Date.now() - 3600e3).toISOString()), sort: 'update_time ASC', limit: 500 });
  assert.ok(since.data.some((n) => n.id === made.id));
  assert.equal((await notes.deleteNote({ id: made.id })).data, true);
});

test('users', async () => {
  const me = (await users.getCurrentUser()).data;
  assert.equal(me.company_domain, 'nordlicht-demo');
  assert.equal(me.is_you, true);
  const all = (await users.getUsers()).data;
  assert.ok(all.some((u) => u.id === me.id));
  assert.equal((await users.getUser({ id: me.id })).data.email, me.email);
  assert.equal((await users.findUsersByName({ term: 'Sales' })).data[0].id, me.id);
});

test('recents', async () => {
  const since = new Date(Date.now() - 7200e3).toISOString().slice(0, 19).replace('T', ' ');
  const rows = await new v1.RecentsApi(in1).getRecents({ since_timestamp: since, items: 'deal', limit: 500 });
  assert.ok(rows.data.every((r) => r.item === 'deal' && r.data.id === r.id));
});

test('merging, and the token as a bearer', async () => {
  const oauth = new v2.OrganizationsApi(new v2.Configuration({ accessToken: token, basePath: `${base}/api/v2` }));
  const loser = (await oauth.addOrganization({ AddOrganizationRequest: { name: 'Loser' } })).data;
  const survivor = (await oauth.addOrganization({ AddOrganizationRequest: { name: 'Survivor' } })).data;
  const merged = await new v1.OrganizationsApi(in1).mergeOrganizations({ id: loser.id, MergeOrganizationsRequest: { merge_with_id: survivor.id } });
  assert.equal(merged.data.id, survivor.id);
  assert.equal((await organizations.getOrganization({ id: loser.id })).data.is_deleted, true);
});

// A receiver for the webhooks: it keeps what comes and lets tests wait for it.
const received = [];
const waiting = [];
const receiver = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    received.push({ authorization: request.headers.authorization, body: JSON.parse(Buffer.concat(chunks)) });
    response.end();
    waiting.splice(0).forEach((wake) => wake());
  });
});
before(() => new Promise((done) => receiver.listen(0, '127.0.0.1', done)));
after(() => { receiver.closeAllConnections(); receiver.close(); });

async function event(fits) {
  for (;;) {
    const found = received.find(fits);
    if (found) return found;
    await new Promise((wake) => waiting.push(wake));
  }
}

test('a webhook is created, delivers, is listed and deleted', { timeout: 30000 }, async () => {
  const url = `http://127.0.0.1:${receiver.address().port}/hook`;
  const wanted = { subscription_url: url, event_action: '*', event_object: 'deal', name: 'npm', version: '2.0', http_auth_user: 'u', http_auth_password: 'p' };
  const created = await webhooks.addWebhook({ AddWebhookRequest: wanted });
  assert.deepEqual([created.status, created.data.version, created.data.is_active], ['ok', '2.0', 1]);
  const deal = (await deals.addDeal({ AddDealRequest: { title: 'Watched' } })).data;
  const { body, authorization } = await event((e) => e.body.meta.entity_id === String(deal.id));
  assert.equal(authorization, `Basic ${Buffer.from('u:p').toString('base64')}`);
  assert.deepEqual([body.meta.action, body.meta.attempt, body.data.title, body.previous], ['create', 1, 'Watched', null]);
  // The answer may be read here before it is noted there.
  const status = async () => (await webhooks.getWebhooks()).data.find((h) => h.id === created.data.id).last_http_status;
  while ((await status()) !== 200);
  const bad = await fails(webhooks.addWebhook({ AddWebhookRequest: { ...wanted, subscription_url: 'nowhere' } }));
  assert.deepEqual(bad.errors, { subscription_url: ['invalid or non-reachable URL'] });
  assert.deepEqual(await webhooks.deleteWebhook({ id: created.data.id }), { status: 'ok', success: true });
  assert.deepEqual((await fails(webhooks.deleteWebhook({ id: created.data.id }))).errors, { id: ['not found'] });
});
