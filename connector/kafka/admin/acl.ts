import type { StreamNames } from '../../publish/event-publisher.ts'

/** The permission for an operation on a resource. */
export interface Acl {
  readonly operation: 'READ' | 'WRITE' | 'DESCRIBE' | 'CREATE' | 'DESCRIBE_CONFIGS'
  readonly resource: 'topic' | 'group' | 'transactional id' | 'cluster'
  readonly name: string
}

/** One that `missingAcls` can ask for. */
export interface AskedAcl extends Acl {
  readonly operation: 'READ' | 'WRITE' | 'DESCRIBE'
  readonly resource: 'topic' | 'group' | 'transactional id'
}

/** As in the documentation and in errors: `READ on group shop`. */
export const aclText = ({ operation, resource, name }: Acl): string => `${operation} on ${resource} ${name}`

export const missingText = (acls: readonly Acl[]): string =>
  acls.length === 1
    ? `the ACL ${acls.map(aclText).join()} is missing`
    : `the ACLs ${acls.map(aclText).join(', ')} are missing`

/** What the names of a stream need: its producer and its commit record. */
export const aclsOfNames = ({ transactionalId, recordGroup }: StreamNames): readonly AskedAcl[] => [
  { operation: 'WRITE', resource: 'transactional id', name: transactionalId },
  { operation: 'READ', resource: 'group', name: recordGroup },
]

/** What a stream needs on its topics: READ finds hanging transactions. */
export const aclsOfTopics = (topics: readonly string[]): readonly AskedAcl[] =>
  topics.flatMap((name) => [
    { operation: 'WRITE', resource: 'topic', name },
    { operation: 'READ', resource: 'topic', name },
  ])

/** What a replica needs to join the consumer group. */
export const aclsOfPlacement = (group: string, slotsTopic: string): readonly AskedAcl[] => [
  { operation: 'READ', resource: 'group', name: group },
  { operation: 'DESCRIBE', resource: 'topic', name: slotsTopic },
]
