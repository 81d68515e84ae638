// libp2p 3 expects Promise.withResolvers, which Node has had since version 22; 20 is still common.
// Import this before anything of libp2p.

if (Promise.withResolvers === undefined) {
  Promise.withResolvers = function () {
    let resolve, reject
    const promise = new Promise((a, b) => { resolve = a; reject = b })
    return { promise, resolve, reject }
  }
}
