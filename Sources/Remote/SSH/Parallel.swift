/// Runs `work` for every item, at most `jobs` at a time, and returns the results in the order of the items.
package func inParallel<Item: Sendable, Result: Sendable>(
    _ items: [Item], jobs: Int, _ work: @escaping @Sendable (Item) async -> Result
) async -> [Result] {
    await withTaskGroup(of: (Int, Result).self) { group in
        var results = [Result?](repeating: nil, count: items.count)
        var next = 0
        func start() {
            guard next < items.count else { return }
            let index = next
            let item = items[index]
            group.addTask { (index, await work(item)) }
            next += 1
        }
        for _ in 0..<max(1, jobs) { start() }
        while let (index, result) = await group.next() {
            results[index] = result
            start()
        }
        return results.compactMap { $0 }
    }
}

/// Runs `body` as a task, and cancels it when `isCancelled` returns true. It is called ten times a second.
package func cancelled<Value: Sendable>(
    when isCancelled: @escaping @Sendable () -> Bool, _ body: @escaping @Sendable () async -> Value
) async -> Value {
    let task = Task { await body() }
    let watch = Task {
        while !Task.isCancelled {
            if isCancelled() { return task.cancel() }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }
    let value = await task.value
    watch.cancel()
    return value
}
