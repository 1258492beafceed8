import type { Change } from '../polaris/clients/client-store.ts'
import type { TopicRecord } from './topic-reader.ts'

/** The parts of a record that are compared. */
type ComparedRecord = Pick<TopicRecord, 'key' | 'value' | 'partition'>

/** The versions of one client. */
interface ClientVersions {
  /** In the source, in order. */
  readonly source: number[]
  /** In the topic, in order. */
  readonly topic: number[]
  readonly partitions: Set<number>
}

/**
 * Throws unless the topic has every client change once and in order: each client's versions appear in the order of the
 * source, none of them twice, and the last one is the source's latest. A version in between may be missing: the source
 * returns only current content, so the version may have been overwritten before it was read.
 */
export function assertSameAsSource(
  changes: readonly Pick<Change, 'clientId' | 'version'>[],
  records: readonly ComparedRecord[],
): void {
  const problems = differencesFromSource(changes, records)
  if (problems.length === 0) return
  const more = problems.length > 10 ? `\n… and ${problems.length - 10} more` : ''
  throw new Error(`topic and source differ:\n${problems.slice(0, 10).join('\n')}${more}`)
}

/** Whether the topic has the last version of every client, so that reading can stop. */
export function hasLastOfAll(
  changes: readonly Pick<Change, 'clientId' | 'version'>[],
  records: readonly ComparedRecord[],
): boolean {
  const last = new Map(changes.map(({ clientId, version }) => [clientId, version]))
  const published = new Map(records.map((record) => [record.key, versionOf(record)]))
  return [...last].every(([clientId, version]) => published.get(clientId) === version)
}

/** One line per client with a difference; contains only ids and versions. */
export function differencesFromSource(
  changes: readonly Pick<Change, 'clientId' | 'version'>[],
  records: readonly ComparedRecord[],
): string[] {
  const clients = new Map<string, ClientVersions>()
  const versionsOf = (id: string) => {
    const versions = clients.get(id) ?? { source: [], topic: [], partitions: new Set() }
    clients.set(id, versions)
    return versions
  }
  for (const { clientId, version } of changes) versionsOf(clientId).source.push(version)
  for (const record of records) {
    const versions = versionsOf(record.key ?? '(no key)')
    versions.topic.push(versionOf(record))
    versions.partitions.add(record.partition)
  }
  return [...clients].flatMap(([id, versions]) => {
    const difference = differenceIn(versions)
    if (difference === undefined) return []
    return [`client ${id}: ${difference}; source ${versions.source.join(' ')}, topic ${versions.topic.join(' ')}`]
  })
}

function differenceIn({ source, topic, partitions }: ClientVersions): string | undefined {
  if (source.length === 0) return 'unknown to the source'
  if (topic.length === 0) return 'lost'
  if (partitions.size > 1) return 'in several partitions'
  const duplicate = topic.find((version, at) => version === topic[at - 1])
  if (duplicate !== undefined) return `duplicate: ${duplicate}`
  let from = 0
  for (const version of topic) {
    const found = source.indexOf(version, from)
    if (found < 0) return `duplicate or out of order: ${version}`
    from = found + 1
  }
  return topic.at(-1) === source.at(-1) ? undefined : 'the last change is lost'
}

/** `NoVersion` of the client in the event; NaN if missing. */
function versionOf(record: ComparedRecord): number {
  const data = (record.value as { data?: { NoVersion?: unknown } } | undefined)?.data
  return data?.NoVersion === undefined ? Number.NaN : Number(data.NoVersion)
}
