/** A defect that `npm run plants` plants in a copy of the sources: something must find it. */
export interface Plant {
  readonly name: string
  /** Below `connector/`. */
  readonly file: string
  /** Stands there exactly once. */
  readonly text: string
  readonly becomes: string
  /** What finds it: histories of this kind, or unit tests, by their files below `test/unit/`. */
  readonly by: { readonly histories: 'crossed' | 'removed-clients' | 'everyday' } | { readonly unit: string }
}

const crossed = { histories: 'crossed' } as const

export const plants: readonly Plant[] = [
  {
    name: 'a read of the topic takes empty responses for its end',
    file: 'kafka/reading/partition-scan.ts',
    text: 'isEmpty && throttledMs === 0 && highWatermark !== undefined && highWatermark >= end',
    becomes: 'isEmpty',
    by: crossed,
  },
  {
    name: 'a client that was removed and then erased is not published once it is back',
    file: 'index/index-entry.ts',
    text: "if (wasAbsent) return { ...known, content: UNKNOWN_CONTENT, isDeadLetter: false, mark: 'withdrawn-absent' }",
    becomes: '',
    by: { histories: 'removed-clients' },
  },
  {
    name: 'what a page shows that was asked for before an erasure is published',
    file: 'pipeline/features/erase/erase.ts',
    text: 'askedAt <= (erasedAt.get(key) ?? -1)',
    becomes: 'erasedAt.get(key) === -1 && askedAt < 0',
    by: { unit: 'pipeline/features/removal/erased-while-absent.test.ts pipeline/features/erase/erasures.test.ts' },
  },
  {
    name: 'an erasure that cannot be written stops the erasures of the stream',
    file: 'pipeline/features/erase/requested-erasures.ts',
    text: 'postponeErasure(parts, step.id, { error, byMs: RETRY_MS })\n      continue',
    becomes: 'throw error',
    by: { unit: 'pipeline/features/erase/erasures.test.ts' },
  },
  {
    name: 'erasure marks that vanished are not written back',
    file: 'pipeline/features/erase/requested-erasures.ts',
    text: 'if (!isSame(mark, stored.get(mark.key))) missing.push(mark)',
    becomes: 'if (isSame(mark, stored.get(mark.key))) return',
    by: { unit: 'stream/open/erased-clients.test.ts' },
  },
  {
    name: 'a merge of a damaged segment is retried forever',
    file: 'index/index-storage.ts',
    text: 'if (isDamage(error)) requestDump(upkeep)',
    becomes: '',
    by: { unit: 'index/index-storage.test.ts' },
  },
  {
    name: 'segments of a dump in progress are deleted',
    file: 'index/index-storage.ts',
    text: 'if (!upkeep.isRewriting && upkeep.finished === undefined)',
    becomes: 'if (upkeep.finished === undefined)',
    by: { unit: 'index/index-storage.test.ts' },
  },
  {
    name: 'only the last event proves that Kafka has lost nothing',
    file: 'checkpoint/resolve.ts',
    text: "sequence === events - 1 || (kept.kind === 'event' && sequence === kept.number)",
    becomes: 'sequence === events - 1',
    by: { unit: 'checkpoint/resolve.test.ts' },
  },
  {
    name: 'the index of a running stream is rebuilt',
    file: 'stream/rewrite/rebuild-index.ts',
    text: 'await parts.mustNotRun(stop)',
    becomes: '',
    by: { unit: 'stream/rewrite/rebuild-index.test.ts' },
  },
  {
    name: 'a rebuilt index lacks what was published while the topic was read',
    file: 'stream/rewrite/rebuild-index.ts',
    text: 'await index.read(parts.onProgress, stop)\n    const { state }',
    becomes: 'const { state }',
    by: { unit: 'stream/rewrite/rebuild-index.test.ts' },
  },
  {
    name: 'a rebuilt index lacks the erased clients',
    file: 'pipeline/features/erase/erasure-marks.ts',
    text: 'table.setAll(entryWordsOf(entries))',
    becomes: '',
    by: { unit: 'stream/rewrite/rebuild-index.test.ts stream/open/erased-clients.test.ts' },
  },
  {
    name: 'a rewrite does not start over when the document was replaced',
    file: 'stream/rewrite/open-as-operator.ts',
    text: "codeOf(error) === 'checkpoint.conflict'",
    becomes: "codeOf(error) === 'bug'",
    by: { unit: 'stream/rewrite/rewrite-checkpoint.test.ts stream/rewrite/rebuild-index.test.ts' },
  },
  {
    name: 'a recheck is done by the scan that found the client',
    file: 'scan/end-scan.ts',
    text: 'ordinal > recheck.after && from <= recheck.from',
    becomes: 'from <= recheck.from',
    by: { unit: 'scan' },
  },
  {
    name: 'a recheck reads from the beginning of the scan that found the client',
    file: 'scan/end-scan.ts',
    text: 'if (modifiedAt === undefined) return from',
    becomes: 'if (startedAt !== null) return reading(startedAt, { ...parts, beginAt: from })',
    by: { unit: 'scan' },
  },
  {
    name: 'due times are not bounded',
    file: 'scan/scan-settings.ts',
    text: 'ours >= dueAt || dueAt - ours > periodMs + SKEW_MS',
    becomes: 'ours >= dueAt || dueAt - ours > (periodMs + SKEW_MS) * 1e9',
    by: { unit: 'scan' },
  },
  {
    name: 'a control object that vanished has no requests',
    file: 'control/lost-control.ts',
    text: 'if (stored.revision >= revision && known === undefined) return undefined',
    becomes: 'if (stored.revision + revision >= 0) return undefined',
    by: { unit: 'control' },
  },
  {
    name: 'a checkpoint opened after a loss lacks the erased clients',
    file: 'stream/open/open-stream.ts',
    text: 'withKept(firstState(parts), await readKept(parts.features, stop))',
    becomes: 'firstState(parts)',
    by: { unit: 'stream/rewrite/rebuild-index.test.ts' },
  },
  {
    name: 'the audit takes the highest number for the last record',
    file: 'inspect/audit/topic-clients.ts',
    text: 'return offsetText(place.offset) > known.place.content',
    becomes: 'return (number ?? 0) >= known.entry.number',
    by: { unit: 'inspect/audit' },
  },
  {
    name: 'a full scan takes its own marks for those of the full scan before',
    file: 'pipeline/features/removal/mark-missing.ts',
    text: '{ ...known, isMarking: true }',
    becomes: '{ ...known }',
    by: { unit: 'pipeline/features/removal/mark-missing.test.ts' },
  },
  {
    name: 'a full scan continues without knowing which clients it has returned',
    file: 'pipeline/features/removal/mark-missing.ts',
    text: 'scan.pages === 0 || (of(scan)?.pages ?? 0) >= scan.pages',
    becomes: 'scan.pages >= 0',
    by: { unit: 'pipeline/features/removal' },
  },
  {
    name: 'only the pages of a full scan count as returned',
    file: 'pipeline/features/removal/removal.ts',
    text: "memory.returned(key, known?.mark === 'missing' || known?.mark === 'gone' ? 'missing' : 'not missing')",
    becomes: '',
    by: { unit: 'pipeline/features/removal' },
  },
  {
    name: 'the brake on removals does not act',
    file: 'pipeline/features/removal/removed-clients.ts',
    text: 'gone > ALWAYS_ALLOWED && gone > maxShare * clients',
    becomes: 'gone > ALWAYS_ALLOWED && gone > 2 * maxShare * clients && gone > clients',
    by: { unit: 'pipeline/features/removal scan' },
  },
  {
    name: 'a background page publishes what another scan has published since',
    file: 'pipeline/group/group-clients.ts',
    text: 'known.number >= scan.since && known.tag !== scan.tag',
    becomes: 'known.number < -1',
    by: crossed,
  },
  {
    name: 'a control object that was rolled back and then raised is taken for the newest one',
    file: 'control/lost-control.ts',
    text: 'if (stored.revision - known.revision >= KEPT) return false',
    becomes: 'return false',
    by: { unit: 'control' },
  },
  {
    name: 'a check request is not answered again after a rollback',
    file: 'control/check-requests.ts',
    text: 'if (!ids.includes(id)) answered.delete(id)',
    becomes: 'ids.includes(id)',
    by: crossed,
  },
  {
    name: 'the tombstones of erasures are not read when an index is rebuilt',
    file: 'stream/rewrite/topic-index.ts',
    text: "if (mark === 'withdrawn') table.set(key, withdrawnEntry(known ?? { ...found, number: 0 }))",
    becomes: "if (mark === 'withdrawn') return",
    by: { unit: 'stream/rewrite/rebuild-index.test.ts' },
  },
  {
    name: 'a provisional mark outranks the events of its client',
    file: 'pipeline/features/erase/erasure-marks.ts',
    text: '!entries.has(key) && table.get(key) === undefined && ',
    becomes: '',
    by: { unit: 'stream/rewrite/rebuild-index.test.ts' },
  },
  {
    name: 'a mark of a request that was never carried out counts as an erasure',
    file: 'pipeline/features/erase/erasure-marks.ts',
    text: ' && mayBeCarriedOut(request)',
    becomes: '',
    by: { unit: 'stream/rewrite/rebuild-index.test.ts' },
  },
  {
    name: 'a provisional mark stays when its request is cancelled',
    file: 'pipeline/features/erase/requested-erasures.ts',
    text: "if (outcome === 'cancelled') await marks.update({ ended: [id] }, stop)",
    becomes: '',
    by: { unit: 'pipeline/features/erase stream/open/erased-clients.test.ts' },
  },
  {
    name: 'a rebuilt index takes its clients for ones that the first scan has found',
    file: 'stream/rewrite/rebuild-index.ts',
    text: 'state.scans.earliest ?? (index.table.size() === 0 ? null : UNKNOWN_BEGINNING)',
    becomes: 'UNKNOWN_BEGINNING && state.scans.earliest',
    by: { unit: 'stream/rewrite/rebuild-index.test.ts' },
  },
  {
    name: 'erased clients come back when 256 rules make place for newer ones',
    file: 'stream/open/open-stream.ts',
    text: 'table.setAll(words)\n  return withEntries(current, deltaText(words))',
    becomes: 'return words.length < 0 ? withEntries(current, deltaText(words)) : current',
    by: { unit: 'stream/rewrite/rebuild-index.test.ts' },
  },
  {
    name: 'erased clients come back when the HMAC key has changed',
    file: 'pipeline/group/group-clients.ts',
    text: "return withdrawal === 'until other content' && comparison === 'unknown'",
    becomes: 'return comparison === undefined',
    by: { unit: 'stream/rewrite/rebuild-index.test.ts' },
  },
  {
    name: 'changed clients count as published again',
    file: 'pipeline/features/republish/republish.ts',
    text: "republishing[as === 'again' ? 'published' : 'changed'] += 1",
    becomes: 'republishing.published += 1',
    by: { unit: 'pipeline/features/republish' },
  },
  {
    name: 'a modification time is trusted before the order of its scan is proven',
    file: 'scan/scan-order.ts',
    text: 'order.values >= ENOUGH_VALUES ? order.reached : null',
    becomes: 'order.values >= 1 ? order.reached : null',
    by: { unit: 'scan' },
  },
]
