import type { ConnectorConfig } from '../../config/connector-config.ts'
import { type KafkaConnection, topicNames } from '../../kafka/kafka-config.ts'
import { slotsTopic } from '../../placement/placement-config.ts'
import { streamNames } from '../../publish/event-publisher.ts'

/** Returns the commands that add all ACLs that the configuration needs, each once, under what needs them. Pure. */
export function aclLines({ connector, placement, streams, kafka }: ConnectorConfig): string[] {
  const add = `kafka-acls.sh --bootstrap-server ${kafka.brokers[0]} --add --allow-principal ${shellWord(principalOf(kafka.sasl))}`
  const slots = placement.mode === 'group' ? [slotsTopic(connector)] : []
  const topics = streams.flatMap((stream) => topicNames(stream.kafka.topic))
  const created = [
    ...slots.filter(() => placement.mode === 'group' && placement.create !== undefined),
    ...topics.filter(() => streams.some((stream) => stream.kafka.topic.create !== undefined)),
  ]
  const uses: [use: string, acls: readonly string[]][] = [
    ...streams.map(({ name, kafka: { topic } }): [string, string[]] => [
      `stream ${name}`,
      // READ finds hanging transactions.
      [...aclsOfNames(connector, name), ...topicNames(topic).map((one) => `Write --operation Read --topic ${one}`)],
    ]),
    [
      'replicas, not with PLACEMENT=single',
      slots.flatMap((topic) => [`Read --group ${connector}`, `Describe --topic ${topic}`]),
    ],
    ['creation of missing topics, not if all exist', created.map((topic) => `Create --topic ${topic}`)],
    ['the trial transaction of doctor, optional', aclsOfNames(connector, 'doctor')],
    ['the check of the offsets retention by doctor, optional', ['DescribeConfigs --cluster']],
  ]
  const known = new Set<string>()
  const lines = uses.flatMap(([use, acls]) => {
    const added = acls.filter((acl) => !known.has(acl) && known.add(acl))
    return added.length === 0 ? [] : [`# ${use}`, ...added.map((acl) => `${add} --operation ${acl}`)]
  })
  const unknown =
    kafka.sasl === undefined ? ['# PRINCIPAL: as the brokers name the user of the client certificate'] : []
  return ['# With the credentials of an administrator: --command-config FILE', ...unknown, ...lines]
}

/** Returns what the names of a stream need: its producer and its commit record. */
function aclsOfNames(connector: string, stream: string) {
  const { transactionalId, recordGroup } = streamNames(connector, stream)
  return [`Write --transactional-id ${transactionalId}`, `Read --group ${recordGroup}`]
}

/** Returns the text as a word that a shell takes. */
const shellWord = (text: string) => (/^[\w.:@=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** Returns the principal that the brokers see. Only they know that of a client certificate or of an AWS identity. */
function principalOf(sasl: KafkaConnection['sasl']) {
  if (sasl === undefined || sasl.mechanism === 'aws-msk-iam') return 'User:PRINCIPAL'
  return `User:${sasl.username}`
}
