import { expect, it } from 'vitest'
import { expectNothingPersonal } from '../../support/nothing-personal.ts'
import { scene } from '../../support/stream-scene.ts'

it('preview prints the first events, masked unless asked otherwise', async () => {
  const { start, simulator } = await scene()
  const preview = async (...options: string[]) => {
    const started = start({}, ['preview', ...options])
    expect(await started.exitCode(), started.output()).toBe(0)
    return started.printed()
  }
  const [masked, shown, json] = await Promise.all([
    preview('--limit', '30'),
    preview('--show-data', '--limit', '1'),
    preview('--limit', '2', '--json'),
  ])
  expect(masked).toMatch(/^stream: clients\nsince: \S+\nmasked: true\n/)
  expect(masked.match(/^ {2}key: 9+$/gm)).toHaveLength(30)
  expectNothingPersonal([masked, json])
  const [first] = simulator.changes
  expect(shown).toMatch(new RegExp(`^ {2}key: ${first?.clientId}$`, 'm'))
  expect(shown).toContain(`subject: ${first?.clientId}`)
})
