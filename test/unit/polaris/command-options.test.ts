import { parseArgs } from 'node:util'
import { describe, expect, it } from 'vitest'
import { HELP, OPTIONS, optionsOf } from '../../polaris/command-options.ts'

const parsed = (...args: string[]) => optionsOf(parseArgs({ args, options: OPTIONS }).values)

describe('the options of the command', () => {
  it('appear in the help', () => {
    for (const name of Object.keys(OPTIONS)) expect(HELP).toMatch(new RegExp(`--${name}\\b`))
  })

  it.each(['date-header', 'stamps'] as const)('set the fault of %s for a period', (name) => {
    const faultOf = (value: string) => {
      const options = parsed(`--${name}=${value}`, '--wrong-from', '60', '--wrong-until', '90')
      return name === 'stamps' ? options.stamps : options.dateHeader
    }
    const period = { from: expect.any(Number), until: expect.any(Number) }
    expect(faultOf('right')).toEqual({})
    expect(faultOf('-3600')).toEqual({ skewMs: -3_600_000, ...period })
    expect(faultOf('Europe/Paris')).toEqual({ zone: 'Europe/Paris', ...period })
    expect(faultOf('stopped')).toEqual({ stoppedAt: expect.any(Number), ...period })
  })

  it('omit the Date header', () => {
    expect(parsed('--date-header', 'absent').dateHeader).toBe('absent')
  })
})
