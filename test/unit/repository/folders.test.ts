import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { layers } from '../../../scripts/generate/linter-layers.ts'
import { readProjectFile } from '../../support/documentation/markdown-file.ts'

// The sources are searched, and the linter reads planted files in a temporary folder.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folders = readdirSync(`${root}connector`, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ parentPath, name }) => `${parentPath}/${name}/`.slice(`${root}connector/`.length))

test('the architecture page lists every folder of connector/, and no others', () => {
  const [, list = ''] = readProjectFile('docs/architecture.md').split('Folders of `connector/`:')
  const items = list.split('\n').filter((line) => line.startsWith('- '))
  const listed = items.flatMap((line) => [...(line.split(':')[0] ?? '').matchAll(/`([^`]+)`/g)])
  expect(listed.map(([, folder]) => folder).toSorted()).toEqual(folders.toSorted())
})

test('the architecture page names functions that exist, and shows the states of a stream as the code does', () => {
  const page = readProjectFile('docs/architecture.md')
  const named = [...page.matchAll(/^\d\. `(\w+)` in `([^`]+)`/gm)]
  expect(named).toHaveLength(8)
  for (const [, name, path = ''] of named)
    expect(readProjectFile(path)).toMatch(new RegExp(`(function|interface) ${name}\\b`))
  const diagram = readProjectFile('connector/stream/next-step.ts').match(/(?<=^ \* {3}).*$/gm) ?? []
  expect(page).toContain(`\n${diagram.join('\n')}\n`)
})

test('no folder of connector/ has more than 20 files', () => {
  for (const folder of folders) {
    const files = readdirSync(`${root}connector/${folder}`, { withFileTypes: true }).filter((entry) => entry.isFile())
    expect(files.length, folder).toBeLessThanOrEqual(20)
  }
})

test.each([
  ['kafkajs', /(?:from |import )'kafkajs'/, 'kafka/'],
  ["kafkajs' internals", /'kafkajs\//, 'kafka/kafkajs/'],
])('only files that belong there load %s, also with require', (_what, loading, folder) => {
  const loaders = globSync('**/*.ts', { cwd: `${root}connector` }).filter((file) =>
    loading.test(readFileSync(`${root}connector/${file}`, 'utf8')),
  )
  expect(loaders.length).toBeGreaterThan(0)
  expect(loaders.filter((file) => !file.startsWith(folder))).toEqual([])
})

const sources = ['connector', 'test', 'scripts', 'bench'].flatMap((folder) =>
  globSync(`${folder}/**/*.ts`, { cwd: root }),
)

/** Ways to save lines that say nothing to the reader, and something wrong to the compiler. */
test.each<readonly [string, (text: string) => boolean]>([
  [
    'spreads a literal: TypeScript does not check its fields',
    (text) => /\.\.\.(?:\{|\[(?!\.\.\.)[^\]]*\](?![.?]))/.test(text),
  ],
  ['makes a pair to name two values', (text) => /(?:const|let) \[\w+(?:, \w+)+\].* = \[(?!\.\.\.|.*\]\.)/.test(text)],
  ['writes a list as a text of words', (text) => /['`]\w+ [^'`\n]*['`]\s*\)?\.split\(/.test(text)],
  ['names an object only to spread it', (text) => objectsIn(text).some((name) => isOnlySpread(name, text))],
])('no file %s', (_what, isIn) => {
  expect(sources.filter((file) => isIn(readFileSync(`${root}${file}`, 'utf8')))).toEqual([])
})

const objectsIn = (text: string) =>
  Array.from(text.matchAll(/^ +const (\w+)(?:: .+)? = \{.*\}(?: as const)?$/gm), ([, name = '']) => name)

function isOnlySpread(name: string, text: string): boolean {
  const count = (pattern: string) => text.match(new RegExp(pattern, 'g'))?.length
  return count(`\\b${name}\\b`) === 2 && count(`\\.\\.\\.${name}\\b`) === 1
}

test('the linter knows the place of every folder of connector/', () => {
  const names = folders.filter((name) => !name.slice(0, -1).includes('/'))
  expect(layers.map(({ folder }) => `${folder}/`)).toEqual(expect.arrayContaining(names))
})

/** A file, its only line, and the lint rule that rejects it. */
const planted = [
  ['runtime/retry.ts', "import '../source/source-time.ts'", 'noRestrictedImports'],
  ['source/polaris/http/tls.ts', "import '../../../kafka/admin/topics.ts'", 'noRestrictedImports'],
  ['scan/turns.ts', "import '../index/client-table.ts'", 'noRestrictedImports'],
  ['scan/scan-step.ts', "import '../source/client-source.ts'", undefined],
  ['event/dead-letter.ts', "import '../source/polaris/polaris-config.ts'", 'noRestrictedImports'],
  ['source/polaris/polaris-config.ts', "import '../client-source.ts'", undefined],
  ['source/polaris/http/connect.ts', "import '../../../scan/turns.ts'", 'noRestrictedImports'],
  ['kafka/tokens.ts', "import '@aws-sdk/credential-provider-node'", undefined],
  ['kafka/kafka-times.ts', "import '@aws-sdk/client-s3'", 'noRestrictedImports'],
  ['telemetry/logger.ts', "import '../source/read-page.ts'", 'noRestrictedImports'],
  ['telemetry/metrics.ts', "import '../source/client-source.ts'", undefined],
  ['index/segments.ts', "import '../storage/s3/s3-bucket.ts'", 'noRestrictedImports'],
  ['index/stream-index.ts', "import '../storage/checkpoint-store.ts'", undefined],
  ['event/read-client.ts', "import '../pipeline/read/page-reader.ts'", 'noRestrictedImports'],
  ['checkpoint/valid-state.ts', "import '../kafka/transactions/transaction.ts'", 'noRestrictedImports'],
  ['checkpoint/transitions.ts', "import '../publish/event-publisher.ts'", undefined],
  ['pipeline/delivery.ts', "import 'kafkajs'", 'noRestrictedImports'],
  ['pipeline/pipeline.ts', "import '../source/polaris/polaris-config.ts'", 'noRestrictedImports'],
  ['pipeline/read/page-reader.ts', "import '../../stream/open-stream.ts'", 'noRestrictedImports'],
  ['stream/open-stream.ts', "import '../compose/run-connector.ts'", 'noRestrictedImports'],
  ['publish/publish-tombstones.ts', "import 'kafkajs'", 'noRestrictedImports'],
  ['publish/event-publisher.ts', "import '../kafka/kafka-client.ts'", 'noRestrictedImports'],
  ['placement/membership.ts', "import 'kafkajs'", 'noRestrictedImports'],
  ['kafka/kafka-client.ts', "import 'kafkajs'", undefined],
  ['compose/compose-stream.ts', "import '../commands/run.ts'", 'noRestrictedImports'],
  ['storage/s3/s3-probe.ts', "import '@aws-sdk/client-s3'", undefined],
  ['inspect/doctor/examine.ts', "import '@aws-sdk/client-s3'", 'noRestrictedImports'],
  ['stream/run-stream.ts', "import '../inspect/inspected-pages.ts'", 'noRestrictedImports'],
  ['placement/hen.ts', "import './egg.ts'", 'noImportCycles'],
  ['placement/egg.ts', "import './hen.ts'", 'noImportCycles'],
  ['runtime/floating.ts', 'Promise.resolve()', 'noFloatingPromises'],
  ['runtime/misused.ts', 'if (Promise.resolve(false)) throw new Error()', 'noMisusedPromises'],
  ['runtime/notKebab.ts', 'export {}', 'useFilenamingConvention'],
] as const

const imports = planted.flatMap(([file, line, rule]) => {
  const imported = /'(\..+)'/.exec(line)?.[1]
  return imported === undefined || rule === 'noImportCycles' ? [] : [[file, join(dirname(file), imported)]]
})

test.each(imports)('the planted import in %s is of an existing file: %s', (file, imported) => {
  for (const one of [file, imported]) expect(existsSync(`${root}connector/${one}`), one).toBe(true)
})

const found = lint(planted)

test.each(planted)('in %s, the linter reports the line "%s" as: %s', (file, _line, rule) => {
  expect(
    found.filter(({ path }) => path === `connector/${file}`).map(({ category }) => category.split('/')[2]),
  ).toEqual(rule === undefined ? [] : [rule])
})

/** Applies the project's lint rules to these files, in a temporary folder. */
function lint(files: readonly (readonly [string, string, unknown])[]) {
  const folder = mkdtempSync(join(tmpdir(), 'lint-'))
  try {
    for (const name of ['biome.json', 'biome-layers.generated.json']) cpSync(join(root, name), join(folder, name))
    for (const [file, line] of files) {
      mkdirSync(join(folder, 'connector', dirname(file)), { recursive: true })
      writeFileSync(join(folder, 'connector', file), `${line}\n`)
    }
    const args = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', '.']
    const { stdout } = spawnSync(join(root, 'node_modules/.bin/biome'), args, { cwd: folder, encoding: 'utf8' })
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { category: string; location: { path: string } }[] }
    return diagnostics.map(({ category, location }) => ({ category, path: location.path }))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
