import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { PreviewedRecord } from '../../../connector/inspect/preview/preview-records.ts'
import { DEFAULT_ACCESS } from '../../polaris/session.ts'
import { type Scene, scene } from '../../support/stream-scene.ts'

// The built doctor saves what the simulator answers, and the built preview reads the files.

function newFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'answers-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'saved')
}

async function output({ start }: Pick<Scene, 'start'>, args: readonly string[], more: Record<string, string> = {}) {
  const command = start(more, args)
  return { exit: await command.exitCode(), printed: command.printed(), all: command.output() }
}

const account = { POLARIS_AUTH: 'login', POLARIS_USER: DEFAULT_ACCESS.user, POLARIS_PASSWORD: DEFAULT_ACCESS.password }

test.each(['xml', 'json'])(
  'doctor saves what it reads in %s; preview finds the same clients in it, also with other settings',
  async (format) => {
    const here = await scene({
      source: { access: { mode: 'cookie' } },
      environment: { ...account, POLARIS_OUTPUT: format },
    })
    const folder = newFolder()
    const doctor = await output(here, ['doctor', '--save', folder])
    expect(doctor.all).toContain(`\nsaved: the answers of Polaris are in ${folder}: they hold personal data\n`)
    expect(doctor.exit).toBe(0)
    const text = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
    expect(text.length).toBeGreaterThanOrEqual(4)
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    for (const secret of ['motdepasse', DEFAULT_ACCESS.user]) expect(text.join('\n')).not.toContain(secret)

    const preview = async (more: readonly string[], environment?: Record<string, string>) => {
      const { exit, printed, all } = await output(here, ['preview', '--show-data', '--json', ...more], environment)
      expect(exit, all).toBe(0)
      return (JSON.parse(printed) as { records: PreviewedRecord[] }).records
    }
    const fromServer = await preview(['--limit', '40'])
    const desk = { POLARIS_URL: 'http://127.0.0.1:9', POLARIS_LAST_CHANGED: '2026-01-01', POLARIS_PASSWORD: 'unknown' }
    const fromFolder = await preview(['--limit', '1000', '--from', folder], desk)
    const clients = (records: readonly PreviewedRecord[]) => records.map(({ key, value }) => [key, value.data])
    expect(clients(fromFolder)).toEqual(clients(fromServer))
    const [mapped] = await preview(['--from', folder], { ...desk, POLARIS_CLIENT_ID_FIELD: 'Ean' })
    expect(fromServer[0]?.value.data).toMatchObject({ Ean: mapped?.key })
  },
)
