/** Acts that are due at instants of the simulator's clock. They happen at the next `settle`, in the order of the instants. */
export interface Agenda {
  add(dueAt: number, act: () => void): void
  settle(): void
}

export function agenda(now: () => number): Agenda {
  const acts: { readonly dueAt: number; readonly act: () => void }[] = []
  return {
    add: (dueAt, act) => {
      const before = acts.findLastIndex((other) => other.dueAt <= dueAt)
      acts.splice(before + 1, 0, { dueAt, act })
    },
    settle: () => {
      for (let [next] = acts; next !== undefined && next.dueAt <= now(); [next] = acts) {
        acts.shift()
        next.act()
      }
    },
  }
}
