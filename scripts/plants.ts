import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { planted } from '../test/plants/planted.ts'
import { type Plant, plants } from '../test/plants/plants.ts'

/**
 * Plants one defect at a time in a copy of the sources, and prints what finds it. Exits with 1 if something survives.
 * `npm run plants -- --of TEXT` plants only the defects whose names have the text.
 */
const { values } = parseArgs({ options: { of: { type: 'string' } } })
const HISTORIES = '1000'
const SEED = '1'
const run = promisify(execFile)

const copied = ['connector', 'test', 'scripts', 'config', 'docs', 'package.json', 'tsconfig.json', 'vitest.config.ts']

async function copyOfSources(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'plants-'))
  for (const name of copied) await cp(name, join(copy, name), { recursive: true })
  await symlink(join(process.cwd(), 'node_modules'), join(copy, 'node_modules'))
  return copy
}

function commandOf({ by }: Plant): string[] {
  if ('unit' in by)
    return [
      'node_modules/.bin/vitest',
      'run',
      '--project',
      'unit',
      ...by.unit.split(' ').map((file) => `test/unit/${file}`),
    ]
  return ['scripts/simulate.ts', '--first', '--of', by.histories, '--runs', HISTORIES, '--seed', SEED]
}

/**
 * Returns the first violation or failed test; undefined if the defect survives. Throws if the plant names what does not
 * exist: that is another defect than it says.
 */
async function foundBy(plant: Plant, cwd: string): Promise<{ what: string; path: string } | undefined> {
  try {
    await run('node', commandOf(plant), { cwd, maxBuffer: 1 << 28, env: { ...process.env, NO_COLOR: '1' } })
    return undefined
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    if (/ReferenceError: .* is not defined/.test(stdout + stderr)) throw error
    const line = 'unit' in plant.by ? /^ *(?:FAIL|×) .*/m.exec(stdout) : /^.*: .*/m.exec(stdout)
    if (line === null) throw error
    return { what: line[0].trim().slice(0, 150), path: /--path (\S+)/.exec(stdout)?.[1] ?? '' }
  }
}

/** The history that found the defect must be sound without it. */
async function mustBeSound({ by }: Plant, path: string, cwd: string): Promise<void> {
  if ('unit' in by) return
  const args = ['--first', '--of', by.histories, '--runs', '1', '--seed', SEED, '--path', path]
  await run('node', ['scripts/simulate.ts', ...args], { cwd, maxBuffer: 1 << 28 })
}

const chosen = plants.filter(({ name }) => name.includes(values.of ?? ''))
const copy = await copyOfSources()
try {
  for (const plant of chosen) {
    const file = join(copy, 'connector', plant.file)
    const before = await readFile(file, 'utf8')
    await writeFile(file, planted(plant, before))
    const startedAt = performance.now()
    const found = await foundBy(plant, copy)
    await writeFile(file, before)
    if (found !== undefined) await mustBeSound(plant, found.path, copy)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
    console.log(`| ${plant.name} | ${found?.what ?? 'SURVIVES'} | ${seconds} s |`)
    if (found === undefined) process.exitCode = 1
  }
} finally {
  await rm(copy, { recursive: true })
}
