import type { ConfigProblem } from '../../../connector/config/config-problem.ts'
import { type LoadedConfig, readConfig } from '../../../connector/config/load-config.ts'
import type { Environment } from '../../../connector/config/variables.ts'

/** The required variables. */
export const leastEnvironment = {
  CONNECTOR_ID: 'shops',
  POLARIS_URL: 'https://polaris.example.com:3443',
  POLARIS_CODE_MAGASIN: '1',
  KAFKA_BROKERS: 'kafka-1:9092,kafka-2:9092',
  CHECKPOINT_URL: 's3://bucket/polaris',
}

/** The required settings of a file, except for streams; tests append more. */
export const leastFile = `connector: shops
kafka:
  brokers: [kafka-1:9092]
checkpoint:
  url: s3://bucket/polaris
`

const now = Date.parse('2026-11-27T04:00:00Z')

/** Reads from `files` instead of the disk. */
function reading(files: Readonly<Record<string, string>>) {
  return (name: string): string => {
    const text = files[name]
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return text
  }
}

export function fromEnvironment(environment: Environment, files: Readonly<Record<string, string>> = {}): LoadedConfig {
  return readConfig({ file: undefined, environment, readFile: reading(files), now })
}

export function fromFile(
  yaml: string,
  environment: Environment = {},
  files: Readonly<Record<string, string>> = {},
): LoadedConfig {
  const others = reading(files)
  return readConfig({ file: 'c.yaml', environment, readFile: (name) => (name === 'c.yaml' ? yaml : others(name)), now })
}

/** The settings; throws an error with all problems. */
export function valid(loaded: LoadedConfig) {
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems))
  return loaded.settings
}

/** The problems; empty if the configuration is valid. */
export function problems(loaded: LoadedConfig) {
  return loaded.kind === 'invalid' ? loaded.problems : []
}

/** Such as `POLL_INTERVAL is missing`. */
export const byVariable = ({ place, what }: ConfigProblem) => `${/\((\w+)\)$/.exec(place)?.[1] ?? place} ${what}`

/** Such as `poll.interval is missing`. */
export const byPath = ({ place, what }: ConfigProblem) => `${place.replace(/ \(\w+\)$/, '')} ${what}`
