export interface AccessToken {
  readonly value: string
  /** For how long the token is valid from now on. */
  readonly lifetimeMs: number
}
