/** A defect that `npm run plants` plants in a copy of the sources: something must find it. */
export interface Plant {
  readonly name: string
  /** Below `connector/`. */
  readonly file: string
  /** Stands there exactly once. */
  readonly text: string
  readonly becomes: string
  /** What finds it: histories of this kind, or unit tests, by their files below `test/unit/`. */
  readonly by: { readonly histories: 'crossed' | 'everyday' | 'long-scans' } | { readonly unit: string }
}

const crossed = { histories: 'crossed' } as const
const longScans = { histories: 'long-scans' } as const

export const plants: readonly Plant[] = [
  {
    name: 'an erasure does not look whether something is open',
    file: 'publish/publish-tombstones.ts',
    text: 'if (open.length > 0) throw withoutMarker(open)',
    becomes: 'if (open.length < 0) throw withoutMarker(open)',
    by: { unit: 'publish/publish-tombstones.test.ts' },
  },
  {
    name: 'an erasure does not ask whether it was fenced',
    file: 'publish/publish-tombstones.ts',
    text: '  await producer.mustNotBeFenced(stop)\n',
    becomes: '',
    by: { unit: 'publish/publish-tombstones.test.ts' },
  },
  {
    name: 'an erasure goes to the present partition of its client only',
    file: 'event/cloud-event/event-form.ts',
    text: 'Array.from({ length: partitions }',
    becomes: 'Array.from({ length: Math.min(partitions, 1) }',
    by: crossed,
  },
  {
    name: 'a read of the topic takes empty responses for its end',
    file: 'kafka/kafkajs/fetch-records.ts',
    text: 'clientSideThrottleTime === 0 ? found.highWatermark : undefined',
    becomes: 'found.highWatermark',
    by: { unit: 'kafka/kafkajs/fetch-records.test.ts' },
  },
  {
    name: 'a segment lacks the last number of its range',
    file: 'index/client-table.ts',
    text: 'number >= from && number < to',
    becomes: 'number >= from && number + 1 < to',
    by: { unit: 'index/index-storage.test.ts' },
  },
  {
    name: 'segments forget that contents are unknown',
    file: 'index/client-table.ts',
    text: ' || isContentUnknown(words, at)',
    becomes: ' || (words.length === 0 && isContentUnknown(words, at))',
    by: { unit: 'index/index-storage.test.ts' },
  },
  {
    name: 'a part that grows loses an entry',
    file: 'index/client-table.ts',
    text: 'for (let from = 0; from < words.length; from += ENTRY_WORDS) {\n    if (isEntry',
    becomes: 'for (let from = ENTRY_WORDS; from < words.length; from += ENTRY_WORDS) {\n    if (isEntry',
    by: { unit: 'index/client-table.test.ts' },
  },
  {
    name: 'a segment is deleted while the stored document still names it',
    file: 'index/index-storage.ts',
    text: '  for (const { name } of segments) named.add(name)\n',
    becomes:
      '  for (const { name } of segments) named.add(name)\n' +
      '  for (const { name } of index.segments)\n' +
      '    if (!segments.some((one) => one.name === name)) inBackground(upkeep, remove(upkeep, name))\n',
    by: { unit: 'index/index-storage.test.ts' },
  },
  {
    name: 'a claim deletes segments of a later claim',
    file: 'index/index-storage.ts',
    text: 'epochOf(name) < epoch && !named.has(name)',
    becomes: 'epochOf(name) !== epoch && !named.has(name)',
    by: { unit: 'index/index-storage.test.ts' },
  },
  {
    name: 'an old pending state is taken as young',
    file: 'checkpoint/valid-state.ts',
    text: '&& !isOld(pending)',
    becomes: '',
    by: { unit: 'checkpoint/valid-state.test.ts' },
  },
  {
    name: 'the audit takes the newest time for the last record of a partition',
    file: 'inspect/audit/audited-clients.ts',
    text: 'return one.partition === known.partition ? one.offset > known.offset : one.timeMs >= known.timeMs',
    becomes: 'return one.timeMs >= known.timeMs',
    by: { unit: 'inspect/audit' },
  },
  {
    name: 'a removal does not store its rewind again',
    file: 'inspect/audit/remove-gone.ts',
    text: 'const second = await store(first)',
    becomes: 'const second: string | undefined = first',
    by: { unit: 'inspect/audit' },
  },
  {
    name: 'a scan that begins again keeps its number',
    file: 'pipeline/read/page-reader.ts',
    text: 'if (scan.checkPoint === null) reader.states = numbered',
    becomes: 'if (scan.number === 0) reader.states = numbered',
    by: { unit: 'pipeline/refused-tokens.test.ts' },
  },
  {
    name: 'scans after an undecided transaction repeat its numbers',
    file: 'checkpoint/rewind.ts',
    text: 'Math.max(state.scans.begun, pending.change.scans.begun)',
    becomes: 'Math.min(state.scans.begun, pending.change.scans.begun)',
    by: { unit: 'checkpoint/rewind.test.ts' },
  },
  {
    name: 'a scan in progress goes on with a new index',
    file: 'checkpoint/rewind.ts',
    text: 'scans: withoutPlaces(others)',
    becomes: 'scans: withoutPlaces(others) && others',
    by: { unit: 'checkpoint/rewind.test.ts' },
  },
  {
    name: 'a scan resumes at a time before its order is known',
    file: 'scan/scan-step.ts',
    text: 'times.distinct >= ENOUGH ? times.last : null',
    becomes: 'times.distinct >= 1 ? times.last : null',
    by: { unit: 'scan' },
  },
  {
    name: 'a scan resumes at the time of a client that changed while it was read',
    file: 'scan/scan-step.ts',
    text: 'timesAfter(scan.times, clients, startedAt - overlapMs)',
    becomes: 'timesAfter(scan.times, clients, startedAt + overlapMs)',
    by: { unit: 'pipeline/any-order.test.ts' },
  },
  {
    name: 'a live scan that is handed over is forgotten',
    file: 'scan/begin-scan.ts',
    text: 'known === undefined ? { ...scan, ...CATCH_UP } : ',
    becomes: 'known === undefined ? { ...restarted(scan), from: scan.lastChanged, ...CATCH_UP, limit: 0 } : ',
    by: { unit: 'scan/end-scan.test.ts' },
  },
  {
    name: 'catch-up begins again where the newer of two scans began',
    file: 'scan/begin-scan.ts',
    text: 'known.from < scan.from ? known.from',
    becomes: 'known.from > scan.from ? known.from',
    by: { unit: 'scan/end-scan.test.ts' },
  },
  {
    name: 'the background waits as long as live scans are due',
    file: 'scan/turns.ts',
    text: 'turns.livePages < LIVE_PAGES',
    becomes: 'turns.livePages < LIVE_PAGES * 1e9',
    by: { unit: 'scan/turns.test.ts' },
  },
  {
    name: 'a look-back from the future of a wrong clock waits for it',
    file: 'scan/turns.ts',
    text: 'startedAt > now ? 0 : ',
    becomes: '',
    by: { unit: 'scan/turns.test.ts' },
  },
  {
    name: 'a scan that fails is never backed off',
    file: 'scan/back-off.ts',
    text: 'failures <= FREE_FAILURES ? 0',
    becomes: 'failures <= FREE_FAILURES * 1e9 ? 0',
    by: { unit: 'scan/back-off.test.ts' },
  },
  {
    name: 'a page that a scan has read before counts as progress',
    file: 'scan/back-off.ts',
    text: 'scan.pages > at(scan).pages',
    becomes: 'scan.pages > at(scan).pages - scan.pages',
    by: { unit: 'scan/back-off.test.ts' },
  },
  {
    name: 'a page publishes what a scan that began later has published',
    file: 'pipeline/group/group-clients.ts',
    text: 'known.scan > number',
    becomes: 'known.scan < -1 && number < 0',
    by: longScans,
  },
  {
    name: 'events after a rewind do not say that the first load is over',
    file: 'pipeline/group/group-clients.ts',
    text: "history.state === 'first'",
    becomes: "history.state !== 'done'",
    by: crossed,
  },
  {
    name: 'a new stream publishes everything to the topic of another one',
    file: 'stream/open-stream.ts',
    text: "mayBegin: isEmpty || topicUse === 'shared'",
    becomes: 'mayBegin: true',
    by: { unit: 'stream/open/open-stream.test.ts' },
  },
  {
    name: 'the next replica does not know which lists a stream has found',
    file: 'pipeline/read/page-reader.ts',
    text: 'mapping: mapping ?? unmapped',
    becomes: 'mapping: { ...(mapping ?? unmapped), lists: [] }',
    by: crossed,
  },
  {
    name: 'a change of a dropped field is a change of the client',
    file: 'event/read-client.ts',
    text: 'rules.ignored.size === 0 ? sha256(json) :',
    becomes: 'rules.ignored.size === 0 ? sha256(canonicalJson(client)) :',
    by: { unit: 'event/read-client.test.ts' },
  },
  {
    name: 'a dead letter stays one under a higher limit',
    file: 'event/client-record.ts',
    text: '[contentHash, idField, maxValueBytes]',
    becomes: '[contentHash, idField]',
    by: { unit: 'pipeline/published-clients.test.ts' },
  },
  {
    name: 'a reader of the topic does not know events in binary mode',
    file: 'event/cloud-event/stored-event.ts',
    text: 'if (headers.ce_specversion === undefined)',
    becomes: 'if (headers.ce_specversion === undefined || value !== null)',
    by: { unit: 'event' },
  },
  {
    name: 'a pause is not seen',
    file: 'stream/run-stream.ts',
    text: 'wishes.paused || waitingRewind',
    becomes: 'waitingRewind',
    by: crossed,
  },
  {
    name: 'the wishes are not looked at after the claim',
    file: 'stream/open-stream.ts',
    text: '    await parts.wishes.read(stop)\n',
    becomes: '',
    by: crossed,
  },
  {
    name: 'a hanging transaction is ended as what it is not',
    file: 'stream/open-stream.ts',
    text: "valid.kind === 'pending' ? 'committed' : 'aborted'",
    becomes: "valid.kind === 'pending' ? 'aborted' : 'committed'",
    by: crossed,
  },
  {
    name: 'a paused stream keeps its owner',
    file: 'stream/run-stream.ts',
    text: '!open.wishes.current().paused && !here.isGivenUp()',
    becomes: '!here.isGivenUp()',
    by: crossed,
  },
  {
    name: 'a replica does not look whether another has claimed its paused stream',
    file: 'stream/run-stream.ts',
    text: '.sleep(lookEveryMs, leave)',
    becomes: '.sleep(100 * lookEveryMs, leave)',
    by: { unit: 'stream/wished-stream.test.ts' },
  },
  {
    name: 'a rewind is applied at each opening',
    file: 'checkpoint/transitions.ts',
    text: 'rewound: rewind.id, committed:',
    becomes: 'committed:',
    by: { unit: 'stream/open/open-rewound.test.ts' },
  },
  {
    name: 'a rewind skips what the history has not read',
    file: 'checkpoint/rewind.ts',
    text: "history.state === 'done' || wanted < reached ? wanted : reached",
    becomes: 'wanted < reached ? wanted : wanted',
    by: { unit: 'checkpoint/rewind.test.ts' },
  },
  {
    name: 'a rewind publishes only what has changed',
    file: 'checkpoint/rewind.ts',
    text: 'withoutPlaces(others), index: { ...emptyIndex,',
    becomes: 'withoutPlaces(others), index: { ...index,',
    by: crossed,
  },
  {
    name: 'a rewind for some clients publishes all',
    file: 'checkpoint/rewind.ts',
    text: 'if (clients !== undefined)\n    return',
    becomes: 'if (clients?.length === 0)\n    return',
    by: { unit: 'checkpoint/rewind.test.ts' },
  },
  {
    name: 'a rewind for some clients cures a hold',
    file: 'checkpoint/rewind.ts',
    text: 'yes !== seen || clients !== undefined',
    becomes: 'yes !== seen',
    by: { unit: 'checkpoint/rewind.test.ts' },
  },
  {
    name: 'a yes cures a hold over any document',
    file: 'checkpoint/rewind.ts',
    text: 'if (yes !== seen ||',
    becomes: 'if (yes === null ||',
    by: { unit: 'checkpoint/rewind.test.ts' },
  },
  {
    name: 'a cured stream uses its epoch again',
    file: 'checkpoint/rewind.ts',
    text: 'Math.max(document.claim.epoch, record?.epoch ?? 0) + 1',
    becomes: 'document.claim.epoch',
    by: crossed,
  },
  {
    name: 'what is undecided counts as not published',
    file: 'checkpoint/rewind.ts',
    text: 'index: withEntries(state.index, deltaText(unknown)),',
    becomes: 'index: state.index === undefined ? withEntries(state.index, deltaText(unknown)) : state.index,',
    by: { unit: 'checkpoint/rewind.test.ts' },
  },
  {
    name: 'an index moves before the commit',
    file: 'checkpoint/stream-checkpoint.ts',
    text: '  await write(held, next, finish)\n  held.prepared = next\n',
    becomes:
      '  held.table.setAll(deltaWords(change.entries))\n  await write(held, next, finish)\n  held.prepared = next\n',
    by: crossed,
  },
  {
    name: 'the stored index takes in what is pending',
    file: 'checkpoint/transitions.ts',
    text: '  return { ...document, nonce, pending }\n',
    becomes:
      '  const { index } = committedByRecord({ ...document, pending }).state\n' +
      '  const state = { ...committed.state, index }\n' +
      '  return { ...document, nonce, pending, committed: { ...committed, state } }\n',
    by: crossed,
  },
  {
    name: 'segments pile up',
    file: 'index/segments.ts',
    text: 'stored > 2 * clients',
    becomes: 'stored > 2_000_000 * clients',
    by: { unit: 'index/segment-plan.test.ts' },
  },
  {
    name: 'all scans have the same number',
    file: 'scan/scan-state.ts',
    text: 'const begun = states.begun + 1',
    becomes: 'const begun = Math.min(states.begun + 1, 1)',
    by: longScans,
  },
  {
    name: 'a look-back reads from the start of the last live scan',
    file: 'scan/begin-scan.ts',
    text: 'const startedAt = states.lookBacks.find((one) => one.reachMs === reachMs)?.startedAt ?? now',
    becomes: 'const startedAt = states.live.startedAt ?? now',
    by: longScans,
  },
  {
    name: 'live scans wait as long as the background has pages',
    file: 'scan/turns.ts',
    text: 'turns.livePages < LIVE_PAGES',
    becomes: 'turns.livePages < 0',
    by: longScans,
  },
]
