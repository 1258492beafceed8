import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runDefaults } from '../../../connector/config/connector-config.ts'
import { readProjectFile } from '../../support/documentation/markdown-file.ts'

const unit = readProjectFile('config/polaris-connector.service')
const settings = new Map(
  unit
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
)

test('the systemd unit starts the connector as npm start does', () => {
  const { start } = JSON.parse(readProjectFile('package.json')).scripts
  expect(settings.get('ExecStart')).toBe(`/usr/bin/${start.replace('dist/', '/opt/polaris-connector/dist/')}`)
})

test('the systemd unit gives the connector time to finish, and does not restart a wrong configuration', () => {
  expect(Number(settings.get('TimeoutStopSec')) * 1000).toBeGreaterThan(runDefaults.finishWithinMs)
  expect([settings.get('Restart'), settings.get('RestartPreventExitStatus')]).toEqual(['always', '2'])
})

const analyze = '/usr/bin/systemd-analyze'

test('systemd accepts the unit, where it is installed; elsewhere, every line is a section, a setting or a comment', () => {
  for (const line of unit.split('\n')) expect(line).toMatch(/^(#.*|\[(Unit|Service|Install)\]|[A-Z]\w+=.*|)$/)
  if (!existsSync(analyze)) return
  const folder = mkdtempSync(join(tmpdir(), 'unit-'))
  try {
    const file = join(folder, 'polaris-connector.service')
    writeFileSync(file, unit.replace('/usr/bin/node', process.execPath)) // it must exist
    const { status, stderr } = spawnSync(analyze, ['verify', file], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, '']) // an unknown setting is a warning only
  } finally {
    rmSync(folder, { recursive: true })
  }
})
