import type { ConnectorConfig } from '../../../config/connector-config.ts'
import { type KafkaConnection, topicNames } from '../../../kafka/kafka-config.ts'
import { slotsTopic } from '../../../placement/placement-config.ts'
import { type StreamNames, streamNames } from '../../../publish/event-publisher.ts'

/** The permission for an operation on a resource. `use`: what needs it. */
interface NeededAcl {
  readonly operation: 'READ' | 'WRITE' | 'DESCRIBE' | 'CREATE' | 'DESCRIBE_CONFIGS'
  readonly resource: 'topic' | 'group' | 'transactional id' | 'cluster'
  readonly name: string
  readonly use: string
}

type AclConfig = Pick<ConnectorConfig, 'connector' | 'placement'> & {
  readonly streams: readonly Pick<ConnectorConfig['streams'][number], 'name' | 'kafka'>[]
}

/** All ACLs that the configuration needs, each once. Pure. */
export function neededAcls({ connector, placement, streams }: AclConfig): NeededAcl[] {
  const slots = placement.mode === 'group' ? [slotsTopic(connector)] : []
  const topics = [...new Set(streams.flatMap(({ kafka: { topic } }) => topicNames(topic)))]
  const created = [
    ...slots.filter(() => placement.mode === 'group' && placement.create !== undefined),
    ...topics.filter(() => streams.some(({ kafka }) => kafka.topic.create !== undefined)),
  ]
  const all = [
    ...streams.flatMap(({ name, kafka: { topic } }) => {
      const use = `stream ${name}`
      const ofTopics = topicNames(topic).flatMap((one) => [
        ...acls(use, 'WRITE', 'topic', [one]),
        ...acls(use, 'READ', 'topic', [one]), // finds hanging transactions
      ])
      return [...aclsOfNames(use, streamNames(connector, name)), ...ofTopics]
    }),
    ...acls(ofReplicas, 'READ', 'group', slots.length === 0 ? [] : [connector]),
    ...acls(ofReplicas, 'DESCRIBE', 'topic', slots),
    ...acls('creation of missing topics, not if all exist', 'CREATE', 'topic', created),
    ...aclsOfNames('trial transactions of doctor, optional', streamNames(connector, 'doctor')),
    ...acls(ofDoctor, 'DESCRIBE_CONFIGS', 'topic', topics),
    ...acls(ofDoctor, 'DESCRIBE_CONFIGS', 'cluster', ['']),
  ]
  const key = ({ operation, resource, name }: NeededAcl) => `${operation} ${resource} ${name}`
  return all.filter((acl, at) => all.findIndex((other) => key(other) === key(acl)) === at)
}

const ofReplicas = 'replicas, not with PLACEMENT=single'
const ofDoctor = 'checks of topics and retention by doctor, optional'

function acls(
  use: string,
  operation: NeededAcl['operation'],
  resource: NeededAcl['resource'],
  names: readonly string[],
): NeededAcl[] {
  return names.map((name) => ({ operation, resource, name, use }))
}

/** What the names of a stream need: its producer and its commit record. */
const aclsOfNames = (use: string, { transactionalId, recordGroup }: StreamNames) => [
  ...acls(use, 'WRITE', 'transactional id', [transactionalId]),
  ...acls(use, 'READ', 'group', [recordGroup]),
]

const resourceOptions: Readonly<Record<NeededAcl['resource'], string>> = {
  topic: '--topic',
  group: '--group',
  'transactional id': '--transactional-id',
  cluster: '--cluster',
}

/** The commands that add the ACLs, one for each use and resource. Pure. */
export function aclLines(
  needed: readonly NeededAcl[],
  { brokers, sasl }: Pick<KafkaConnection, 'brokers' | 'sasl'>,
): string[] {
  const command = `kafka-acls.sh --bootstrap-server ${brokers[0]} --add --allow-principal ${principalOf(sasl)}`
  const lines = [...Map.groupBy(needed, ({ use }) => use)].flatMap(([use, ofUse]) => {
    const byResource = Map.groupBy(ofUse, ({ resource, name }) => `${resourceOptions[resource]} ${name}`.trim())
    const ofResources = [...byResource].map(([resource, some]) =>
      [command, ...some.map(({ operation }) => `--operation ${operationName(operation)}`), resource].join(' '),
    )
    return [`# ${use}`, ...ofResources]
  })
  const unknown = sasl === undefined ? ['# PRINCIPAL: as the brokers name the user of the client certificate'] : []
  return ['# With the credentials of an administrator: --command-config FILE', ...unknown, ...lines]
}

/** As kafka-acls.sh spells it: `DescribeConfigs`. */
const operationName = (operation: string) =>
  operation
    .split('_')
    .map((word) => `${word.slice(0, 1)}${word.slice(1).toLowerCase()}`)
    .join('')

/** Only the brokers know the principal of a client certificate or of an AWS identity. */
function principalOf(sasl: KafkaConnection['sasl']): string {
  if (sasl === undefined || sasl.mechanism === 'aws-msk-iam') return 'User:PRINCIPAL'
  return `User:${sasl.mechanism === 'oauthbearer' ? sasl.client.clientId : sasl.username}`
}
