import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse, parseAllDocuments } from 'yaml'

export const helmVersions = ['3', '4'] as const
export type HelmVersion = (typeof helmVersions)[number]

/** A manifest as the API server would receive it. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into manifests of every kind
  readonly [part: string]: any
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const binary = (version: HelmVersion) => `${root}.cache/helm-${version}/helm`

/** Runs helm in the project root and returns its standard output; throws an error with its standard error. */
export function helm(version: HelmVersion, args: readonly string[], input = ''): string {
  const run = spawnSync(binary(version), args, { cwd: root, input, encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (run.error !== undefined) throw run.error
  if (run.status !== 0) throw new Error(run.stderr)
  return run.stdout
}

/** The minimal values that the chart accepts, overridden by `values`. */
export const someValues = (values: object = {}) => ({
  image: { registry: 'registry.example/retail' },
  config: {
    connector: 'shops',
    kafka: { brokers: ['kafka-1:9092'] },
    checkpoint: { url: 's3://checkpoints/polaris', region: 'eu-west-3' },
    streams: [{ polaris: { url: 'https://polaris.example:3443', codeMagasin: 1, lastChanged: '2026-01-01' } }],
  },
  ...values,
})

/** The output of `helm template`, as text. */
export function rendered(values: object, args: readonly string[] = [], version: HelmVersion = '4'): string {
  return helm(version, ['template', 'shops', 'helm', '-n', 'retail', '-f', '-', ...args], JSON.stringify(values))
}

/** The output of `helm template`, as manifests. */
export const manifests = (values: object): Manifest[] => manifestsIn(rendered(values))

/** The values in `helm/ci`, by file. */
export const examples: ReadonlyMap<string, object> = new Map(
  readdirSync(`${root}helm/ci`).map((name) => [name, parse(readFileSync(`${root}helm/ci/${name}`, 'utf8'))]),
)
/** The one with every value. */
export const full = examples.get('full-values.yaml') as { readonly config: object }

export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) =>
    document.contents === null ? [] : [document.toJS() as Manifest],
  )
}

/** The only manifest of a kind; throws unless there is exactly one. */
export function only(all: readonly Manifest[], kind: string): Manifest {
  const found = all.filter((manifest) => manifest.kind === kind)
  const [first] = found
  if (first === undefined || found.length > 1) throw new Error(`${found.length} manifests of kind ${kind}`)
  return first
}

/** Runs promtool and returns its standard output; throws an error with what it prints. */
export function promtool(...args: readonly string[]): string {
  const run = spawnSync(`${root}.cache/promtool/promtool`, args, { encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`${run.stdout}${run.stderr}`, { cause: run.error })
  return run.stdout
}
