/**
 * Loaded before the program (`node --import`), makes every pause of `Clock.sleep` that is longer than 10 s ten times
 * shorter, so that a test need not wait for real minutes. Deadlines and clocks stay as they are.
 */
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'

const { setTimeout: pause } = timers
const shorter = (ms = 0) => (ms > 10_000 ? ms / 10 : ms)
timers.setTimeout = (ms, value, options) => pause(shorter(ms), value, options)
syncBuiltinESMExports()
