import { createHash } from 'node:crypto'
import { join } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

/** What is started here, what is already there, and where everything is kept. */
export interface DemoPlan {
  /** Data, checkpoint and logs; another folder for each set of real servers. */
  readonly folder: string
  /** Given brokers, else one is started. */
  readonly brokers: string | undefined
  /** A given server, else the simulator is started. */
  readonly polarisUrl: string | undefined
  readonly checkpointUrl: string
  readonly topic: string
  /** Events of the simulator show names: they are invented. Those of a real server show ids and times only. */
  readonly shows: 'names' | 'ids'
}

export function demoPlan(environment: Environment): DemoPlan {
  const { KAFKA_BROKERS, POLARIS_URL, CHECKPOINT_URL, KAFKA_TOPIC, DEMO_FOLDER } = environment
  const brokers = KAFKA_BROKERS || undefined
  const polarisUrl = POLARIS_URL || undefined
  const real = [brokers, polarisUrl].filter((one) => one !== undefined).join(' ')
  const root = DEMO_FOLDER || '.cache/demo'
  const folder = real === '' ? root : join(root, createHash('sha256').update(real).digest('hex').slice(0, 8))
  return {
    ...{ folder, brokers, polarisUrl },
    checkpointUrl: CHECKPOINT_URL || `file:${join(folder, 'checkpoint')}`,
    topic: KAFKA_TOPIC || 'client.modified',
    shows: polarisUrl === undefined ? 'names' : 'ids',
  }
}

/** Where the parts really are. */
export interface Addresses {
  readonly bootstrap: string
  /** Of the simulator, when it was started here. */
  readonly simulator: { readonly url: string; readonly user: string; readonly password: string } | undefined
}

/** What may be said about reading the simulator; everything else about Polaris is about a real one. */
const ALSO_FOR_SIMULATOR = new Set(['POLARIS_LIMIT', 'POLARIS_OUTPUT'])

/** The connector's environment: what was given, and what the demo adds to it. */
export function connectorEnvironment(given: Environment, plan: DemoPlan, at: Addresses): Record<string, string> {
  const { simulator } = at
  const isMeant = (name: string) =>
    simulator === undefined || !name.startsWith('POLARIS_') || ALSO_FOR_SIMULATOR.has(name)
  // Empty is as good as unset, and keeps the process's own value out.
  const present = Object.entries(given).flatMap(([name, value]) => (value ? [[name, isMeant(name) ? value : '']] : []))
  return {
    ...{ CONNECTOR_ID: 'demo', POLL_INTERVAL: '1s', HTTP_PORT: '0', PLACEMENT: 'single' },
    ...Object.fromEntries(present),
    ...(simulator === undefined ? {} : settingsOf(simulator)),
    ...{ KAFKA_BROKERS: at.bootstrap, KAFKA_TOPIC: plan.topic, CHECKPOINT_URL: plan.checkpointUrl },
  }
}

function settingsOf({ url, user, password }: NonNullable<Addresses['simulator']>): Record<string, string> {
  return {
    POLARIS_URL: url,
    POLARIS_AUTH: 'login',
    POLARIS_USER: user,
    POLARIS_PASSWORD: password,
    POLARIS_CODE_MAGASIN: '1',
    POLARIS_LAST_CHANGED: '2000-01-01T00:00:00',
    POLARIS_CLIENT_ID_FIELD: 'No',
    POLARIS_MODIFIED_AT_FIELD: 'DateModification',
    POLARIS_LIST_FIELDS: 'Cartes',
  }
}
