import ArgumentParser

/// A command that reaches the outside world only through a context, so that a test can give it another one.
protocol ContextualCommand: AsyncParsableCommand {
    func run(in context: CommandContext) async throws
}

extension ContextualCommand {
    func run() async throws { try await run(in: .process()) }
}
