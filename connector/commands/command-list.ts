import type { Command } from './command.ts'

/** Loads its command on demand, so that `lint` does not load the Kafka client. */
export interface CommandEntry {
  readonly name: string
  readonly load: () => Promise<Command>
}

/** Every command, in the order of `--help`. */
export const commandList: readonly CommandEntry[] = [
  { name: 'run', load: async () => (await import('./run.ts')).run },
  { name: 'pause', load: async () => (await import('./pause.ts')).pause },
  { name: 'resume', load: async () => (await import('./resume.ts')).resume },
  { name: 'erase', load: async () => (await import('./erase.ts')).erase },
  { name: 'doctor', load: async () => (await import('./doctor.ts')).doctor },
  { name: 'audit', load: async () => (await import('./audit.ts')).audit },
  { name: 'preview', load: async () => (await import('./preview.ts')).preview },
  { name: 'lint', load: async () => (await import('./lint.ts')).lint },
  { name: 'checkpoint show', load: async () => (await import('./checkpoint/checkpoint-show.ts')).checkpointShow },
  { name: 'checkpoint rewind', load: async () => (await import('./checkpoint/checkpoint-rewind.ts')).checkpointRewind },
]
