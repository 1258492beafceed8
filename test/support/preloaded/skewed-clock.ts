/**
 * Loaded before the program (`node --import`), shifts the wall clock by `CLOCK_SKEW_MS`: `Date.now()`, `new Date()` and
 * `Date()`. Durations (`performance.now()`, timers) stay correct, as on a machine whose clock is wrong.
 */
const skewMs = Number(process.env.CLOCK_SKEW_MS ?? 0)

globalThis.Date = new Proxy(Date, {
  construct: (real, given, target) => Reflect.construct(real, given.length > 0 ? given : [real.now() + skewMs], target),
  apply: (real) => new real(real.now() + skewMs).toString(),
  get: (real, name) => (name === 'now' ? () => real.now() + skewMs : Reflect.get(real, name)),
})
