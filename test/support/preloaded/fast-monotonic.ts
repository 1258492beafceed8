/** Loaded before the program (`node --import`), makes `Clock.monotonic` run ten times as fast. */
const elapsed = performance.now.bind(performance)
performance.now = () => elapsed() * 10
