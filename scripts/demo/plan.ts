import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

/** Which components the demo starts, which ones it is given, and where the data is stored. */
export interface DemoPlan {
  /** Holds data, checkpoint and logs; each set of given servers has a separate folder. */
  readonly folder: string
  /** Undefined: the demo starts a broker. */
  readonly brokers: string | undefined
  /** Undefined: the demo starts the simulator. */
  readonly polarisUrl: string | undefined
  readonly checkpointUrl: string
  readonly topic: string
  /** The simulator's names are invented and may be shown; of a real server's events, only ids and times are shown. */
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

/** The addresses of the running components. */
export interface Addresses {
  readonly bootstrap: string
  /** Undefined when a Polaris server was given. */
  readonly simulator: { readonly url: string; readonly user: string; readonly password: string } | undefined
}

/** The only given Polaris settings that apply to the simulator too; the others describe a real server. */
const ALSO_FOR_SIMULATOR = new Set(['POLARIS_LIMIT', 'POLARIS_OUTPUT'])

/** Of fields that the simulator's clients have. */
const TYPES = 'AccepteMailing: boolean\nChiffreAffaires: decimal\nNoVersion: integer'

/** The connector's environment: the given variables, plus those that the demo sets. */
export function connectorEnvironment(given: Environment, plan: DemoPlan, at: Addresses): Record<string, string> {
  const { simulator } = at
  const applies = (name: string) =>
    simulator === undefined || !name.startsWith('POLARIS_') || ALSO_FOR_SIMULATOR.has(name)
  // An empty value counts as unset, and overrides the value that the child process would inherit.
  const present = Object.entries(given).flatMap(([name, value]) => (value ? [[name, applies(name) ? value : '']] : []))
  return {
    ...{ CONNECTOR_ID: 'demo', POLL_INTERVAL: '1s', HTTP_PORT: '0', PLACEMENT: 'single' },
    ...(simulator === undefined ? {} : { EVENT_TYPES: TYPES }),
    ...Object.fromEntries(present),
    ...(simulator === undefined ? {} : settingsOf(simulator)),
    ...{ KAFKA_BROKERS: at.bootstrap, KAFKA_TOPIC: plan.topic, CHECKPOINT_URL: plan.checkpointUrl },
  }
}

/** Shell text that sets the variables that the demo itself chose for the connector, and finds the demo's Node. */
export function ownVariables(given: Environment, connector: Readonly<Record<string, string>>, node: string): string {
  const own = Object.entries(connector).filter(([name, value]) => given[name] !== value)
  const lines = own.map(([name, value]) => `export ${name}=${quoted(value)}`)
  return [...lines, `export PATH=${quoted(dirname(node))}:"$PATH"`, ''].join('\n')
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

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
