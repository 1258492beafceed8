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
    const why = whatIsWrong(story)
    return why === undefined
      ? []
      : [`client ${id}: ${why}; source ${story.had.join(' ')}, topic ${story.told.join(' ')}`]
  })
}

function whatIsWrong({ had, told, partitions }: Story): string | undefined {
  if (had.length === 0) return 'unknown to the source'
  if (told.length === 0) return 'lost'
  if (partitions.size > 1) return 'in several partitions'
  if (told.some((version, at) => version === told[at - 1])) return 'doubled'
  let from = 0
  for (const version of told) {
    const at = had.indexOf(version, from)
    if (at < 0) return 'doubled or out of order'
    from = at + 1
  }
  return told.at(-1) === had.at(-1) ? undefined : 'the last change is lost'
}

/** `NoVersion` of the client that the event carries; NaN when there is none. */
function versionOf(record: ToldRecord): number {
  const data = (record.value as { data?: { NoVersion?: unknown } } | undefined)?.data
  return data?.NoVersion === undefined ? Number.NaN : Number(data.NoVersion)
}
