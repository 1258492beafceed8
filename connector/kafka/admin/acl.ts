import type { StreamNames } from '../../publish/event-publisher.ts'

/** The permission for an operation on a resource. */
export interface Acl {
  readonly operation: 'READ' | 'WRITE' | 'DESCRIBE' | 'CREATE' | 'DESCRIBE_CONFIGS'
  readonly resource: 'topic' | 'group' | 'transactional id' | 'cluster'
  readonly name: string
}

/** What the names of a stream need: its producer and its commit record. */
export const aclsOfNames = ({ transactionalId, recordGroup }: StreamNames): readonly Acl[] => [
  { operation: 'WRITE', resource: 'transactional id', name: transactionalId },
  { operation: 'READ', resource: 'group', name: recordGroup },
]

/** What a stream needs on its topics: READ finds hanging transactions. */
export const aclsOfTopics = (topics: readonly string[]): readonly Acl[] =>
  topics.flatMap((name) => [
    { operation: 'WRITE', resource: 'topic', name },
    { operation: 'READ', resource: 'topic', name },
  ])

/** What a replica needs to join the consumer group. */
export const aclsOfPlacement = (group: string, slotsTopic: string): readonly Acl[] => [
  { operation: 'READ', resource: 'group', name: group },
  { operation: 'DESCRIBE', resource: 'topic', name: slotsTopic },
]
