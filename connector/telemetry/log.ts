export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** What a line may hold: flat and explicit. Nothing is ever dumped; what is not named here by its writer is not printed. */
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface LogLine {
  readonly level: LogLevel
  /** Constant text: what varies is a field. */
  readonly message: string
  readonly fields: LogFields
}

/** Writes one line, at once. */
export type Log = (level: LogLevel, message: string, fields: LogFields) => void
