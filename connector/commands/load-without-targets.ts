import type { Settings } from '../config/config-schema.ts'
import { type ConfigSources, loadConfig, readConfig } from '../config/load-config.ts'

/** Values for required settings that a preview does not use, by path. */
const unused: ReadonlyMap<string | undefined, Readonly<Record<string, string>>> = new Map([
  ['kafka.brokers', { KAFKA_BROKERS: 'unused:9092' }],
  ['checkpoint.url', { CHECKPOINT_URL: 'file:unused' }],
])

/** Like `loadConfig`, but the brokers and the checkpoint store may be missing. */
export function loadWithoutTargets(sources: ConfigSources): Settings {
  const loaded = readConfig(sources)
  if (loaded.kind === 'valid') return loaded.settings
  const replaced = loaded.problems.map(({ path }) => unused.get(path))
  return loadConfig({ ...sources, environment: Object.assign({}, sources.environment, ...replaced) })
}
