/** The life of one replica's process: what it does next happens while it runs, once it wakes up, or never. */
export interface ProcessLife {
  /** Calls `go` now if the process runs, when it has woken up if it stands still, never once it has crashed. */
  whenRunning(go: () => void): void
  isRunning(): boolean
  isCrashed(): boolean
  /** It stands still: its timers and the answers to it wait. */
  pause(): void
  wake(): void
  crash(): void
}

/** `onWake` gets what waited for a process that has woken up, and calls each in an order of its own choice. */
export function processLife(onWake: (held: readonly (() => void)[]) => void): ProcessLife {
  let state: 'running' | 'paused' | 'crashed' = 'running'
  let held: (() => void)[] = []
  const whenRunning = (go: () => void) => {
    if (state === 'running') go()
    else if (state === 'paused') held.push(go)
  }
  return {
    whenRunning,
    isRunning: () => state === 'running',
    isCrashed: () => state === 'crashed',
    pause: () => {
      if (state === 'running') state = 'paused'
    },
    wake: () => {
      if (state !== 'paused') return
      state = 'running'
      const waited = held
      held = []
      onWake(waited.map((go) => () => whenRunning(go)))
    },
    crash: () => {
      state = 'crashed'
      held = []
    },
  }
}
