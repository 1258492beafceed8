import { mayCreate } from '../../../kafka/admin/access-check.ts'
import type { Acl } from '../../../kafka/admin/acl.ts'
import { type FoundTopic, viewTopic } from '../../../kafka/admin/cluster-view.ts'
import type { WantedTopic } from '../../../kafka/admin/topics.ts'
import type { AdminParts } from '../../../kafka/kafka-connection.ts'

/** What an operator does about missing ACLs. */
export const aclsHint = 'add them: `polaris-connector doctor --acls` prints the commands for all ACLs'

export type SoughtTopic = FoundTopic & {
  /** What this user needs to create it, if the connector is to create it. */
  readonly missing: readonly Acl[]
}

/** Looks for a topic; asks whether this user may create it if it is missing or hidden. Rejects with `publish.*`. */
export async function findTopic(
  admin: AdminParts,
  { topic, shape, mayCreate: isToCreate }: Pick<WantedTopic, 'topic' | 'shape' | 'mayCreate'>,
  finish: AbortSignal,
): Promise<SoughtTopic> {
  const found = await viewTopic(admin, topic, finish)
  if (found.kind === 'exists' || !isToCreate || (await mayCreate(admin, { topic, shape }, finish)))
    return { ...found, missing: [] }
  const name = found.kind === 'hidden' ? `${topic} (if it does not exist)` : topic
  return { ...found, missing: [{ operation: 'CREATE', resource: 'topic', name }] }
}
