/** Hashes of the settings that must be equal on all replicas, by path. No secrets. */
export interface HashedSettings {
  readonly shared: HashByPath
  /** By the name of the stream. */
  readonly streams: Readonly<Record<string, HashByPath>>
}

type HashByPath = Readonly<Record<string, string>>

/** How the configuration of another replica differs. `unreported`: it does not say; another program or version. */
export type ConfigurationDifference =
  | { readonly kind: 'unreported' }
  | {
      readonly kind: 'different'
      /** Streams that the other replica does not have. */
      readonly missing: readonly string[]
      /** Streams that only the other replica has. */
      readonly additional: readonly string[]
      /** Paths of settings with different values; those of a stream begin with its name: `paris: polaris.url`. */
      readonly settings: readonly string[]
    }

/** Undefined if both are equal. */
export function configurationDifference(
  own: HashedSettings,
  other: HashedSettings | undefined,
): ConfigurationDifference | undefined {
  if (other === undefined) return { kind: 'unreported' }
  const missing = namesWithout(own.streams, other.streams)
  const additional = namesWithout(other.streams, own.streams)
  const settings = [
    ...differentPaths(own.shared, other.shared),
    ...Object.entries(own.streams).flatMap(([stream, hashes]) =>
      differentPaths(hashes, other.streams[stream] ?? hashes).map((path) => `${stream}: ${path}`),
    ),
  ]
  const isEqual = missing.length + additional.length + settings.length === 0
  return isEqual ? undefined : { kind: 'different', missing, additional, settings }
}

const namesWithout = (some: object, others: object) => Object.keys(some).filter((name) => !Object.hasOwn(others, name))

function differentPaths(one: HashByPath, other: HashByPath): string[] {
  const paths = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...paths].filter((path) => one[path] !== other[path])
}

/** In words: `lacks stream lyon; different settings: paris: polaris.url`. */
export function differenceText(difference: ConfigurationDifference): string {
  if (difference.kind === 'unreported') return 'does not report its configuration'
  const { missing, additional, settings } = difference
  const parts = [
    ...(missing.length === 0 ? [] : [`lacks ${streamsText(missing)}`]),
    ...(additional.length === 0 ? [] : [`also has ${streamsText(additional)}`]),
    ...(settings.length === 0 ? [] : [`different settings: ${shortened(settings)}`]),
  ]
  return parts.join('; ')
}

const streamsText = (names: readonly string[]) => `stream${names.length === 1 ? '' : 's'} ${shortened(names)}`

const SHOWN = 10

function shortened(texts: readonly string[]): string {
  const more = texts.length - SHOWN
  return [...texts.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}
