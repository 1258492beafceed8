import { readFileSync } from 'node:fs'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, type Admin, ResourcePatternTypes } from 'kafkajs'
import { vi } from 'vitest'

/** Permission for one operation on one resource. */
export interface Acl {
  readonly resource: 'topic' | 'group' | 'transactional id' | 'cluster'
  readonly name: string
  readonly operation: string
}

const resourceTypes = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional id': AclResourceTypes.TRANSACTIONAL_ID,
  cluster: AclResourceTypes.CLUSTER,
}

/** The ACLs that docs/security.md lists for a stream whose topics exist. */
export function documentedAcls(names: { connector: string; stream: string; topic: string }): Acl[] {
  const text = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8')
  const [, section = ''] = text.split('## Kafka ACLs')
  const [needed = ''] = section.split('# creation of missing topics')
  return aclsIn(needed).map(({ name, ...acl }) => ({
    ...acl,
    name: name
      .replace(/^shop/, names.connector)
      .replace(/\.lyon$/, `.${names.stream}`)
      .replace('client.modified', names.topic),
  }))
}

/** The ACLs that these lines of kafka-acls.sh add. */
function aclsIn(lines: string): Acl[] {
  const commands = [...lines.matchAll(/^kafka-acls\.sh (.*) --(topic|group|transactional-id|cluster)(?: (\S+))?$/gm)]
  return commands.flatMap(([, options = '', kind = '', name = '']) => {
    const resource = kind.replace('-', ' ') as Acl['resource']
    const operations = [...options.matchAll(/--operation (\w+)/g)].map(([, operation = '']) => operation)
    return operations.map((word) => ({
      resource,
      name,
      operation: word.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase(),
    }))
  })
}

const described = (principal: string, { resource, name, operation }: Acl) => ({
  principal,
  host: '*',
  permissionType: AclPermissionTypes.ALLOW,
  resourcePatternType: ResourcePatternTypes.LITERAL,
  resourceType: resourceTypes[resource],
  resourceName: resource === 'cluster' ? 'kafka-cluster' : name,
  operation: AclOperationTypes[operation as keyof typeof AclOperationTypes],
})

/** Waits until they hold, which is a little later than the broker answers. */
export async function allow(admin: Admin, principal: string, acls: readonly Acl[]): Promise<void> {
  const acl = acls.map((one) => described(principal, one))
  await admin.createAcls({ acl })
  const last = acl.at(-1)
  if (last === undefined) return
  const holds = async () => (await admin.describeAcls(last)).resources.length > 0
  await vi.waitUntil(holds, { timeout: 30_000, interval: 20 })
}

export async function disallow(admin: Admin, principal: string, acl: Acl): Promise<void> {
  await admin.deleteAcls({ filters: [described(principal, acl)] })
}
