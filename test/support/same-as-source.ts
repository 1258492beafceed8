import type { Change } from './servers/polaris/live-shelf.ts'
import type { TopicRecord } from './topic-reader.ts'

/** All that is looked at of a record. */
type ToldRecord = Pick<TopicRecord, 'key' | 'value' | 'partition'>

/** What one client went through. */
interface Story {
  /** Versions as the source had them, one after the other. */
  readonly had: number[]
  /** Versions as the topic has them. */
  readonly told: number[]
  readonly partitions: Set<number>
}

/**
 * Throws unless the topic tells of every client change once and in order: each client's versions appear in the order in which the
 * source had them, none twice, the last one is the source's latest. A version in between may be missing, since the source gives
 * current content only and it may have been overwritten before it was read.
 */
export function assertSameAsSource(
  changes: readonly Pick<Change, 'clientId' | 'version'>[],
  records: readonly ToldRecord[],
): void {
  const problems = differencesFromSource(changes, records)
  if (problems.length === 0) return
  const more = problems.length > 10 ? `\n… and ${problems.length - 10} more` : ''
  throw new Error(`topic and source differ:\n${problems.slice(0, 10).join('\n')}${more}`)
}

/** Whether the last version of every client is there: time to stop reading, once the source is left alone. */
export function hasLastOfAll(
  changes: readonly Pick<Change, 'clientId' | 'version'>[],
  records: readonly ToldRecord[],
): boolean {
  const last = new Map(changes.map(({ clientId, version }) => [clientId, version]))
  const told = new Map(records.map((record) => [record.key, versionOf(record)]))
  return [...last].every(([clientId, version]) => told.get(clientId) === version)
}

/** One line per client that is not told right; ids and versions only. */
export function differencesFromSource(
  changes: readonly Pick<Change, 'clientId' | 'version'>[],
  records: readonly ToldRecord[],
): string[] {
  const stories = new Map<string, Story>()
  const storyOf = (id: string) => {
    const story = stories.get(id) ?? { had: [], told: [], partitions: new Set() }
    stories.set(id, story)
    return story
  }
  for (const { clientId, version } of changes) storyOf(clientId).had.push(version)
  for (const record of records) {
    const story = storyOf(record.key ?? '(no key)')
    story.told.push(versionOf(record))
    story.partitions.add(record.partition)
  }
  return [...stories].flatMap(([id, story]) => {
    const wrong = whatIsWrong(story)
    if (wrong === undefined) return []
    const { why, at } = wrong
    return [
      `client ${id}: ${why}; source ${around(story.had, story.told[at])}, topic ${around(story.told, story.told[at])}`,
    ]
  })
}

/** `at`: where in what was told. */
function whatIsWrong({ had, told, partitions }: Story): { why: string; at: number } | undefined {
  const last = told.length - 1
  if (had.length === 0) return { why: 'unknown to the source', at: last }
  if (told.length === 0) return { why: 'lost', at: last }
  if (partitions.size > 1) return { why: 'in several partitions', at: last }
  const doubled = told.findIndex((version, at) => version === told[at - 1])
  if (doubled >= 0) return { why: `doubled: ${told[doubled]}`, at: doubled }
  let from = 0
  for (const [at, version] of told.entries()) {
    const found = had.indexOf(version, from)
    if (found < 0) return { why: `doubled or out of order: ${version}`, at }
    from = found + 1
  }
  return told.at(-1) === had.at(-1) ? undefined : { why: 'the last change is lost', at: last }
}

const SHOWN = 6

/** So many versions on each side of one, so that a line stays readable. */
function around(versions: readonly number[], version: number | undefined): string {
  const found = version === undefined ? -1 : versions.lastIndexOf(version)
  const at = found < 0 ? versions.length - 1 : found
  const from = Math.max(0, at - SHOWN)
  const shown = versions.slice(from, at + SHOWN + 1)
  return [...(from > 0 ? ['…'] : []), ...shown, ...(from + shown.length < versions.length ? ['…'] : [])].join(' ')
}

/** `NoVersion` of the client that the event carries; NaN when there is none. */
function versionOf(record: ToldRecord): number {
  const data = (record.value as { data?: { NoVersion?: unknown } } | undefined)?.data
  return data?.NoVersion === undefined ? Number.NaN : Number(data.NoVersion)
}
