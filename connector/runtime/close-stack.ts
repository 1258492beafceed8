/** Registers a resource where it is opened. Closes in reverse order, each resource once, and reports every error. */
export interface CloseStack extends AsyncDisposable {
  /** Registers how to close `resource`, and returns it. */
  use<Resource>(resource: Resource, close: (resource: Resource) => Promise<void> | void): Resource
  /** Closes everything. Rejects with the only error, or with an AggregateError of all. A second call does nothing. */
  close(): Promise<void>
}

export function closeStack(): CloseStack {
  const closers: (() => Promise<void> | void)[] = []
  const close = async () => {
    const errors: unknown[] = []
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
      try {
        await closer()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 1) throw new AggregateError(errors, 'closing failed')
    if (errors.length === 1) throw errors[0]
  }
  return {
    use: (resource, closer) => {
      closers.push(() => closer(resource))
      return resource
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
