/** The process of one replica. Its callbacks are held while it is paused and dropped once it has crashed. */
export interface SimulatedProcess {
  /** Calls `action` now if the process runs, after it resumes if it is paused, never if it has crashed. */
  whenRunning(action: () => void): void
  isRunning(): boolean
  isCrashed(): boolean
  /** Pauses the process: its timers and responses are held. */
  pause(): void
  resume(): void
  crash(): void
}

/** `onResume` gets the callbacks held during a pause, and calls each of them in any order. */
export function simulatedProcess(onResume: (held: readonly (() => void)[]) => void): SimulatedProcess {
  let state: 'running' | 'paused' | 'crashed' = 'running'
  let held: (() => void)[] = []
  const whenRunning = (action: () => void) => {
    if (state === 'running') action()
    else if (state === 'paused') held.push(action)
  }
  return {
    whenRunning,
    isRunning: () => state === 'running',
    isCrashed: () => state === 'crashed',
    pause: () => {
      if (state === 'running') state = 'paused'
    },
    resume: () => {
      if (state !== 'paused') return
      state = 'running'
      const released = held
      held = []
      onResume(released.map((action) => () => whenRunning(action)))
    },
    crash: () => {
      state = 'crashed'
      held = []
    },
  }
}
