import { createRequire } from 'node:module'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { RequestTarget } from './protocol.ts'

const load = createRequire(import.meta.url)

/** The requests of kafkajs that the connector sends, by their names there. */
const usedRequests = [
  'Produce',
  'Fetch',
  'ListOffsets',
  'Metadata',
  'OffsetFetch',
  'GroupCoordinator',
  'JoinGroup',
  'Heartbeat',
  'LeaveGroup',
  'SyncGroup',
  'DescribeGroups',
  'SaslHandshake',
  'CreateTopics',
  'InitProducerId',
  'AddPartitionsToTxn',
  'AddOffsetsToTxn',
  'EndTxn',
  'TxnOffsetCommit',
  'DescribeConfigs',
  'SaslAuthenticate',
] as const

type BrokerVersions = NonNullable<RequestTarget['versions']>

/** The part of kafkajs' broker that asks which versions of each request the broker accepts. */
export interface VersionedBroker {
  apiVersions(): Promise<BrokerVersions>
}

/** Makes connections to a broker fail that no longer accepts a request of ours. kafkajs would send it all the same. */
export function refuseNewerBrokers(broker: VersionedBroker): void {
  const original = broker.apiVersions
  broker.apiVersions = async function apiVersions(this: VersionedBroker) {
    const versions = await original.call(this)
    const refused = refusedRequests(versions)
    if (refused.length === 0) return versions
    const message = `connect to Kafka: the brokers are too new, they accept only ${refused.join(', ')}`
    throw new ConnectorError('publish.broker-too-new', message)
  }
}

/** What the broker accepts where it accepts no version that kafkajs has. Pure. */
export function refusedRequests(versions: BrokerVersions): string[] {
  const keys: Readonly<Record<string, number>> = load('kafkajs/src/protocol/requests/apiKeys')
  const { requests } = load('kafkajs/src/protocol/requests')
  return usedRequests.flatMap((name) => {
    const newest = Math.max(...requests[name].versions.map(Number))
    const { minVersion = 0 } = versions[keys[name] ?? Number.NaN] ?? {}
    return minVersion > newest ? [`${name} ${minVersion} or newer (we have ${newest})`] : []
  })
}
