import type { Naming } from '../runtime/connector-error.ts'
import { parseConfigFile } from './config-file.ts'
import { valueAt, withoutUnset } from './document.ts'
import { type Environment, substitute, tryToRead, variables } from './environment.ts'
import type { ConfigSources } from './load-config.ts'
import { isPerStream, placeOf, type Setting, settingList } from './setting-list.ts'

/** Names the settings of this configuration, which may be invalid, as its operator does. */
export function settingNames(sources: ConfigSources): Naming {
  const used = usedConfig(sources)
  const settings = new Map(
    settingList().flatMap((setting) =>
      [setting.variable, setting.fallback].flatMap((name) => (name === undefined ? [] : [[name, setting] as const])),
    ),
  )
  // Not `$NAME`, which stands for a value in a command line, nor `NAME_FILE`.
  const known = new RegExp(`(?<![A-Za-z0-9_$])(${[...settings.keys()].join('|')})(?![A-Za-z0-9_])(=(?=\\w))?`, 'g')
  return (text, stream) =>
    withPlaces(text, used, stream).replace(known, (whole, variable: string, equals: string | undefined) => {
      const setting = settings.get(variable)
      if (setting === undefined) return whole
      const { name, isKey } = nameOf(setting, variable, { used, stream })
      return equals === undefined ? name : `${name}${isKey ? ': ' : '='}`
    })
}

interface UsedConfig {
  readonly environment: Environment
  readonly hasFile: boolean
  readonly document: unknown
  /** Where a value of the configuration comes from: the variables in it. */
  readonly streams: readonly string[]
  readonly connector: string
  readonly checkpoints: string
}

function usedConfig({ file, environment, readFile }: ConfigSources): UsedConfig {
  const content = file === undefined ? undefined : tryToRead(file, readFile)
  const parsed = content?.kind === 'read' ? parseConfigFile(file ?? '', content.text).value : undefined
  const document = withoutUnset(parsed ?? {})
  const { lookUp } = variables(environment, readFile)
  const textOf = (variable: string, path: readonly string[]) =>
    lookUp(variable) ?? String(substitute(valueAt(document, path) ?? '', lookUp).value)
  const streams = valueAt(document, ['streams'])
  return {
    environment,
    hasFile: file !== undefined,
    document,
    streams: Array.isArray(streams) ? streams.map((_, at) => String(valueAt(streams, [at, 'name']) ?? '')) : [],
    connector: textOf('CONNECTOR_ID', ['connector']) || 'CONNECTOR',
    checkpoints: textOf('CHECKPOINT_URL', ['checkpoint', 'url']) || 'CHECKPOINT_URL',
  }
}

interface NamedFor {
  readonly used: UsedConfig
  readonly stream: string | undefined
}

function nameOf(setting: Setting, variable: string, { used, stream }: NamedFor) {
  const { environment, hasFile, document, streams } = used
  const applies = !(isPerStream(setting) && streams.length > 1)
  const file = environment[`${variable}_FILE`]
  if (applies && file) return { name: `${variable}_FILE (${file})`, isKey: false }
  if (!hasFile || (applies && environment[variable])) return { name: variable, isKey: false }
  const place = placeOf(setting, Math.max(0, stream === undefined ? 0 : streams.indexOf(stream)))
  const key = setting.path.slice(isPerStream(setting) ? 1 : 0).join('.')
  const isKnown = streams.length < 2 || stream !== undefined || !isPerStream(setting)
  const source = isKnown ? sourceOf(valueAt(document, place), setting, environment) : undefined
  return { name: source === undefined ? key : `${key} (${source})`, isKey: true }
}

/** The file or the variable that the value in the configuration file refers to. */
function sourceOf(written: unknown, { isPem }: Setting, environment: Environment): string | undefined {
  if (typeof written !== 'string') return undefined
  const { names } = substitute(written, () => '')
  const sources = [...names].map((name) => {
    const file = environment[`${name}_FILE`]
    return file ? `file ${file}` : `variable ${name}`
  })
  if (sources.length > 0) return sources.join(', ')
  return isPem && !written.includes('-----BEGIN ') ? `file ${written}` : undefined
}

const placeholders = /CONNECTOR\/(?:STREAM|_control)[\w.]* in CHECKPOINT_URL/g

/** `s3://bucket/prefix/shops/paris.json` instead of `CONNECTOR/STREAM.json in CHECKPOINT_URL`. */
function withPlaces(text: string, { connector, checkpoints, streams }: UsedConfig, stream: string | undefined): string {
  const only = streams.length === 1 ? streams[0] : undefined
  return text.replace(placeholders, (place) => {
    const [key = ''] = place.split(' ')
    const named = key.replace('CONNECTOR', connector).replace('STREAM', (stream ?? only) || 'STREAM')
    const whole = `${checkpoints.replace(/\/+$/, '')}/${named}`
    // Each version of a document is a file of its own.
    return checkpoints.startsWith('file:') && key.endsWith('.json')
      ? `${whole.replace(/\.json$/, '.<number>.json')}, the highest number is the newest`
      : whole
  })
}
