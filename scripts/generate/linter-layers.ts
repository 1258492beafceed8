/** A folder of `connector/`, and what it may import besides itself and `runtime/`. */
interface Layer {
  readonly folder: string
  /** It uses folders that stand before it in the list. */
  readonly uses: readonly string[]
  /** It uses these files of other folders: ports. */
  readonly ports?: readonly string[]
  /** It uses these packages, which others reach through it. */
  readonly packages?: readonly string[]
}

const publisher = 'publish/event-publisher.ts'
const store = 'storage/checkpoint-store.ts'
const core = ['source', 'scan', 'index', 'event']
const adapters = ['source/polaris', 'storage', 'publish', 'placement', 'kafka']
const machine = ['checkpoint', 'pipeline', 'stream']
const outermost = ['config', 'inspect', 'telemetry']

/** The folders of `connector/`, each after those that it uses: imports point one way. */
// biome-ignore format: a list
export const layers: readonly Layer[] = [
  { folder: 'runtime', uses: [] },
  { folder: 'source', uses: [] },
  { folder: 'source/polaris', uses: ['source'] },
  { folder: 'scan', uses: ['source'] },
  { folder: 'storage', uses: [], packages: ['@aws-sdk/**'] },
  { folder: 'index', uses: [], ports: [store] },
  { folder: 'event', uses: ['source', 'index'] },
  { folder: 'publish', uses: ['event'] },
  { folder: 'placement', uses: [] },
  { folder: 'kafka', uses: ['event', 'publish', 'placement'], packages: ['kafkajs', '@aws-sdk/credential-provider-node'] },
  { folder: 'checkpoint', uses: core, ports: [publisher, store] },
  { folder: 'pipeline', uses: [...core, 'checkpoint'], ports: [publisher, store] },
  { folder: 'stream', uses: [...core, 'checkpoint', 'pipeline'], ports: [publisher, store, 'placement/placement.ts'] },
  { folder: 'config', uses: ['source', 'source/polaris', 'scan', 'storage', 'event', 'placement', 'kafka', 'pipeline'] },
  { folder: 'inspect', uses: [...core, 'storage', 'publish', 'placement', 'kafka', ...machine, 'config'] },
  { folder: 'telemetry', uses: ['scan', 'placement', 'pipeline', 'stream'], ports: ['source/client-source.ts'] },
  { folder: 'compose', uses: [...core, ...adapters, ...machine, ...outermost] },
  { folder: 'commands', uses: [...core, ...adapters, ...machine, ...outermost, 'compose'] },
]

/** The part of the linter's configuration that rejects all other imports. Throws if a layer uses one that stands after it. */
export function linterLayers(): string {
  return `${JSON.stringify({ overrides: layers.map(overrideOf) }, undefined, 2)}\n`
}

function overrideOf({ folder, uses, ports = [], packages = [] }: Layer, at: number) {
  const before = layers.slice(0, at).map((layer) => layer.folder)
  const upward = uses.filter((used) => !before.includes(used))
  if (upward.length > 0) throw new Error(`${folder} uses ${upward.join(', ')}, which must stand before it`)
  const used = ['runtime', folder, ...uses]
  const denied = layers.map((layer) => layer.folder).filter((name) => !used.includes(name))
  const allowed = [...ports.map((port) => `**/${port}`), ...packages]
  const folders = denied.length === 0 ? [] : [`**/{${denied.join(',')}}/**`]
  const group = [...folders, 'kafkajs', '@aws-sdk/**', ...allowed.map((path) => `!${path}`)]
  const patterns = [{ message: 'Imports point one way, see docs/architecture.md.', group }]
  const noRestrictedImports = { level: 'error', options: { patterns } }
  return { includes: [`connector/${folder}/**`], linter: { rules: { style: { noRestrictedImports } } } }
}
