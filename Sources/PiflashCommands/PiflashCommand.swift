import Text
package import ArgumentParser
import Cards
import Diagnostics
import Filesystems
import Host
import Images
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// `piflash`, the root of all commands.
package struct PiflashCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "piflash",
        abstract: "Prepare Raspberry Pi SD cards from recipes: image, settings, Docker, swarm.",
        discussion: """
            A recipe describes a node. piflash unpacks its image, writes it to a card
            with the node's settings, and reads everything back. The card configures
            itself at its first boot.

              piflash check recipes/red/red01.yaml
              piflash devices
              piflash write --recipe recipes/red/red01.yaml /dev/sdb
              piflash inspect /dev/sdb
              piflash image info raspios.img.xz

            A whole rack, each card written when you insert it:

              piflash plan recipes/red
              piflash batch recipes/red

            Running nodes, over ssh:

              piflash daemon --apply recipes/red
              piflash run recipes/red -- uptime
              piflash swarm ls recipes/red

            Exit codes: 0 done, 1 failed or stopped, 2 usage or recipe, 3 refused for
            safety, 4 some of several cards or nodes failed. Ctrl-C, SIGTERM and SIGHUP
            stop it cleanly; a second Ctrl-C or SIGTERM ends it at once (130, 143).
            """,
        version: PiflashVersion.current,
        subcommands: [
            WriteCommand.self, BatchCommand.self, PlanCommand.self, RedoCommand.self, ConfigureCommand.self,
            CheckCommand.self, RenderCommand.self, DevicesCommand.self,
            InspectCommand.self, ImageCommand.self, SchemaCommand.self, DaemonCommand.self, RunCommand.self,
            SwarmCommand.self, ContextCommand.self, StatusCommand.self, LabelsCommand.self,
            NewCommand.self,
        ])

    package init() {}

    /// Runs the command line of the process and ends the process with piflash's exit code.
    package static func runAndExit() async -> Never {
        if CommandLine.arguments.dropFirst().elementsEqual([PrivilegeSeparation.serviceArgument]) { serveAndExit() }
        if CommandLine.arguments.count == 3, CommandLine.arguments[1] == Confinement.argument {
            readAndExit(CommandLine.arguments[2])
        }
        do throws(Failure) {
            Confinement.isUsed = try PrivilegeSeparation.begin(environment: ProcessEnvironment.current) == .rootItself
        } catch {
            Console.standard(environment: ProcessEnvironment.current).error(error)
            Glibc.exit(error.severity.rawValue)
        }
        let context = CommandContext.process()
        Glibc.exit(await run(Array(CommandLine.arguments.dropFirst()), in: context))
    }

    /// Opens cards for the process that started this one, until that ends. It is not a command: no user needs it.
    private static func serveAndExit() -> Never {
        guard geteuid() == 0, let caller = SudoCaller(environment: ProcessEnvironment.current),
            let socket = PrivilegeSeparation.serviceSocket()
        else { Glibc.exit(Failure.Severity.usage.rawValue) }
        DeviceService(socket: socket, caller: caller.userID).run()
        Glibc.exit(0)
    }

    /// Reads what strangers wrote for the process that started this one, without rights. It is not a command either.
    private static func readAndExit(_ task: String) -> Never {
        guard let task = ConfinedProcess.Task(rawValue: task), let channel = Confinement.begin() else {
            Glibc.exit(Failure.Severity.usage.rawValue)
        }
        let worker = ConfinedWorker(channel)
        switch task {
        case .filesystem: FilesystemTask.run(worker)
        case .archive: ArchiveTask.run(worker)
        }
        Glibc.exit(0)
    }

    /// Runs one command line (without the program's name) and returns its exit code.
    package static func run(_ arguments: [String], in context: CommandContext) async -> Int32 {
        do {
            let command = try parseAsRoot(RunCommand.rewritten(arguments))
            if let contextual = command as? any ContextualCommand {
                try await contextual.run(in: context)
            } else {
                var other = command
                try other.run()
            }
            return 0
        } catch let failure as Failure {
            context.console.error(failure.explainingRights(besides: DeviceOpener.current != nil))
            return failure.severity.rawValue
        } catch let report as DiagnosticReport {
            context.console.report(report)
            return Failure.Severity.usage.rawValue
        } catch {
            return parserExit(error, context)
        }
    }

    /// Help and completion scripts are results and go to the output; anything else is a mistake in the command line.
    private static func parserExit(_ error: any Error, _ context: CommandContext) -> Int32 {
        let columns = min(context.console.width, 80)
        let text = wrappingUsage(fullMessage(for: error, columns: columns), columns: columns)
        if exitCode(for: error) == .success {
            context.console.output(text)
            return 0
        }
        context.console.note(text)
        return Failure.Severity.usage.rawValue
    }

    /// Wraps the usage line, the only one that the parser does not wrap.
    private static func wrappingUsage(_ text: String, columns: Int) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.count > columns, line.lowercased().begins(with: "usage: ") else { return String(line) }
            var lines: [String] = []
            // An option stays together with its value.
            var parts: [String] = []
            for word in line.split(at: " ") {
                let isOption = parts.last.map { $0.begins(with: "-") || $0.begins(with: "[-") } ?? false
                if let last = parts.last, word.begins(with: "...") || isOption && word.begins(with: "<") {
                    parts[parts.count - 1] = "\(last) \(word)"
                } else {
                    parts.append(String(word))
                }
            }
            for part in parts {
                if let last = lines.last, last.count + 1 + part.count <= columns {
                    lines[lines.count - 1] = "\(last) \(part)"
                } else {
                    lines.append(lines.isEmpty ? part : "         \(part)")
                }
            }
            return lines.joined(separator: "\n")
        }.joined(separator: "\n")
    }
}

extension Failure {
    /// The same failure; under sudo, one for want of rights says whose rights count.
    ///
    /// - Parameter besides: Whether another process has root's rights.
    fileprivate func explainingRights(besides: Bool) -> Failure {
        guard besides, let reason = cause as? Errno, [.permissionDenied, .notPermitted].contains(reason),
            hint == nil || hint == Failure.usualHint(reason)
        else { return self }
        return Failure(
            code, severity: severity, message,
            hint: "under sudo, too, piflash uses files with your own rights, not with root's: see `ls -l`", cause: cause
        )
    }
}
