import type { ConnectorConfig } from '../../../config/connector-config.ts'
import { type Acl, aclsOfNames, aclsOfPlacement, aclsOfTopics } from '../../../kafka/admin/acl.ts'
import { type KafkaConnection, topicNames } from '../../../kafka/kafka-config.ts'
import { slotsTopic } from '../../../placement/placement-config.ts'
import { streamNames } from '../../../publish/event-publisher.ts'

/** `use`: what needs it. */
type NeededAcl = Acl & { readonly use: string }

type AclConfig = Pick<ConnectorConfig, 'connector' | 'placement'> & {
  readonly streams: readonly Pick<ConnectorConfig['streams'][number], 'name' | 'kafka'>[]
}

/** All ACLs that the configuration needs, each once. Pure. */
export function neededAcls({ connector, placement, streams }: AclConfig): NeededAcl[] {
  const ofStreams = streams.flatMap(({ name, kafka: { topic } }) =>
    usedFor(`stream ${name}`, [...aclsOfNames(streamNames(connector, name)), ...aclsOfTopics(topicNames(topic))]),
  )
  const slots = placement.mode === 'group' ? [slotsTopic(connector)] : []
  const topics = new Set(streams.flatMap(({ kafka: { topic } }) => topicNames(topic)))
  const created = [...slots, ...topics].filter((topic) => isCreated(topic, { placement, streams }))
  const all = [
    ...ofStreams,
    ...slots.flatMap((topic) => usedFor('replicas, not with PLACEMENT=single', aclsOfPlacement(connector, topic))),
    ...usedFor('creation of missing topics, not if all exist', created.map(of('CREATE', 'topic'))),
    ...usedFor('trial transactions of doctor, optional', aclsOfNames(streamNames(connector, 'doctor'))),
    ...usedFor('checks of topics and retention by doctor, optional', [
      ...[...topics].map(of('DESCRIBE_CONFIGS', 'topic')),
      { operation: 'DESCRIBE_CONFIGS', resource: 'cluster', name: '' },
    ]),
  ]
  const key = ({ operation, resource, name }: Acl) => `${operation} ${resource} ${name}`
  return all.filter((acl, at) => all.findIndex((other) => key(other) === key(acl)) === at)
}

const of = (operation: Acl['operation'], resource: Acl['resource']) => (name: string) => ({ operation, resource, name })

const usedFor = (use: string, acls: readonly Acl[]): NeededAcl[] => acls.map((acl) => ({ ...acl, use }))

function isCreated(topic: string, { placement, streams }: Pick<AclConfig, 'placement' | 'streams'>): boolean {
  const ofStream = streams.find(({ kafka }) => topicNames(kafka.topic).includes(topic))
  if (ofStream !== undefined) return ofStream.kafka.topic.create !== undefined
  return placement.mode === 'group' && placement.create !== undefined
}

const resourceOptions: Readonly<Record<Acl['resource'], string>> = {
  topic: '--topic',
  group: '--group',
  'transactional id': '--transactional-id',
  cluster: '--cluster',
}

/** The commands that add the ACLs, one for each use and resource. Pure. */
export function aclLines(
  acls: readonly NeededAcl[],
  { brokers, sasl }: Pick<KafkaConnection, 'brokers' | 'sasl'>,
): string[] {
  const command = `kafka-acls.sh --bootstrap-server ${brokers[0]} --add --allow-principal ${principalOf(sasl)}`
  const lines = [...Map.groupBy(acls, ({ use }) => use)].flatMap(([use, ofUse]) => {
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
