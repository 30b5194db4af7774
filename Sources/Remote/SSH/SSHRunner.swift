import Text
package import Diagnostics
import Foundation
import Subprocess
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The result of a script on a node.
package struct RemoteResult: Sendable {
    /// The exit code; 128 plus the signal's number if a signal ended the script.
    package var exit: Int32
    package var output: [UInt8]
    package var errors: String

    package var text: String { String(decoding: output, as: UTF8.self) }
}

/// A line that a script printed.
package enum RemoteLine: Sendable {
    case output(String)
    case error(String)
}

/// Runs scripts on nodes with the user's ssh program.
///
/// The scripts go over standard input to `sh -s`: nothing that varies is part of a command line, here or on the node. All
/// work on a node goes through one connection. Its socket is in a directory that only the user can enter; ``close()`` ends
/// the connections and removes the directory.
package final class SSHRunner: Sendable {
    /// What every script prints first, on a separate line. Text before it comes from the user's shell start-up files. A
    /// script that does not print it did not start.
    private static let sentinel = "@piflash@"
    private static let outputLimit = 4 << 20

    let settings: SSHSettings
    private let directory: String
    /// A file with ``SSHSettings/configuration``.
    private let configuration: String
    /// The open connections: by the node's name, the socket and the address.
    private let connections = Mutex<[String: (socket: String, address: String)]>([:])

    package init(settings: SSHSettings) throws(Failure) {
        self.settings = settings
        // A socket's path has at most 107 bytes (unix(7)), and ssh appends 17 bytes while it connects.
        let runtime = settings.environment["XDG_RUNTIME_DIR"] ?? ""
        let base =
            runtime.begins(with: "/") && runtime.utf8.count <= 60 && access(runtime, W_OK) == 0 ? runtime : "/tmp"
        // mkdtemp(3) replaces the six letters at the end.
        var template = Array("\(base)/piflash-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let made else {
            throw Failure(.system, "making a directory in \(base): \(String(cString: strerror(errno)).lowercased())")
        }
        directory = made
        configuration = "\(made)/config"
        do { try Data(SSHSettings.configuration.utf8).write(to: URL(filePath: configuration)) } catch {
            try? FileManager.default.removeItem(atPath: made)
            throw Failure(.system, "writing \(configuration): \(error)", cause: error)
        }
    }

    /// Ends all connections and removes their directory.
    package func close() async {
        let open = connections.withLock { connections in
            defer { connections = [:] }
            return connections
        }
        // A separate task, so that it is also done after a cancellation.
        await Task { [settings, directory] in
            await withTaskGroup(of: Void.self) { group in
                for (socket, address) in open.values where access(socket, F_OK) == 0 {
                    group.addTask {
                        _ = try? await Subprocess.run(
                            .name("ssh"), arguments: ["-O", "exit", "-o", "ControlPath=\(socket)", "--", address],
                            environment: Self.environment(settings), output: .discarded, error: .discarded)
                    }
                }
            }
            try? FileManager.default.removeItem(atPath: directory)
        }.value
    }

    /// Runs `script` on `host` and returns its result. Throws if ssh cannot connect, if the script does not start, at
    /// `limit`, and if the task is cancelled.
    ///
    /// The node reads the complete script before it runs it, so that a broken connection never leaves half of it running.
    /// Its commands have no input. `lines` gets the output line by line.
    package func run(
        _ script: String, on host: RemoteHost, as privilege: RemotePrivilege = .user, limit: Duration = .seconds(60),
        lines: @escaping @Sendable (RemoteLine) -> Void = { _ in }
    ) async throws(Failure) -> RemoteResult {
        let known = connections.withLock { $0[host.name]?.address }
        let addresses = known.map { [$0] } ?? host.addresses
        var failure = Failure(.usage, severity: .usage, "\(host.name) has no address")
        for address in addresses {
            let ending = await timed(limit) { try await self.call(script, on: host, at: address, privilege, lines) }
            switch ending {
            case .cancelled: throw Failure(.cancelled, "stopped")
            case .timeLimit:
                throw Failure(
                    .timeLimit, "not done after \(limit.components.seconds) s", hint: "--timeout allows more")
            case .failed(let reason): throw reason
            case .ended(let call):
                guard call.began else {
                    guard call.result.exit == 255 else {
                        let user = settings.user ?? host.user ?? "the user"
                        throw SSHFailure.starting(
                            call.result.errors, exit: call.result.exit, host: address, user: user)
                    }
                    if let problem = HostKeyProblem(call.result.errors) {
                        throw await self.failure(problem, of: host, at: address)
                    }
                    failure = SSHFailure.connecting(
                        call.result.errors, to: host.title(at: address),
                        command: settings.command(for: host, at: address))
                    if SSHFailure.isUnknownName(call.result.errors) { continue }
                    throw failure
                }
                if call.result.exit == 255, Self.reportsBreak(call.result.errors) {
                    throw Failure(
                        .unreachable,
                        "the connection to \(address) broke: \(SSHFailure.lastLine(call.result.errors) ?? "")",
                        hint: "the command may or may not have finished there")
                }
                return call.result
            }
        }
        throw failure
    }

    // MARK: One call of ssh

    private struct Call: Sendable {
        var result: RemoteResult
        var began: Bool
    }

    private enum Ending: Sendable {
        case ended(Call)
        case failed(Failure)
        case timeLimit
        case cancelled
    }

    private func timed(_ limit: Duration, _ work: @escaping @Sendable () async throws -> Call) async -> Ending {
        await withTaskGroup(of: Ending.self) { group in
            group.addTask {
                do {
                    let call = try await work()
                    // The result of a process that the cancellation ended does not count.
                    return Task.isCancelled ? .cancelled : .ended(call)
                } catch let failure as Failure {
                    return .failed(failure)
                } catch {
                    return Task.isCancelled
                        ? .cancelled : .failed(Failure(.system, "running ssh: \(error)", cause: error))
                }
            }
            group.addTask {
                (try? await Task.sleep(for: limit)) == nil ? .cancelled : .timeLimit
            }
            let first = await group.next() ?? .cancelled
            group.cancelAll()
            if case .timeLimit = first { return .timeLimit }
            if case .cancelled = first, !Task.isCancelled, let second = await group.next() { return second }
            return first
        }
    }

    private func call(
        _ script: String, on host: RemoteHost, at address: String, _ privilege: RemotePrivilege,
        _ lines: @escaping @Sendable (RemoteLine) -> Void
    ) async throws -> Call {
        let socket = connections.withLock { connections in
            let socket = connections[host.name]?.socket ?? "\(directory)/\(connections.count)"
            connections[host.name] = (socket, address)
            return socket
        }
        let arguments =
            settings.arguments(controlPath: socket, configuration: configuration) + settings.login(on: host) + [
                "--", address, privilege.command,
            ]

        var options = PlatformOptions()
        // Ctrl-C on the terminal is for us alone: ssh and what it starts (ProxyCommand) are in a separate process group.
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(2))
        ]
        do {
            let run = try await Subprocess.run(
                .name("ssh"), arguments: Arguments(arguments), environment: Self.environment(settings),
                platformOptions: options,
                input: .fileDescriptor(try input(Self.wrapped(script)), closeAfterSpawningProcess: true),
                output: .sequence, error: .sequence
            ) { execution in
                async let errors = Self.collect(execution.standardError, began: true) { lines(.error($0)) }
                let output = try await Self.collect(execution.standardOutput, began: false) { lines(.output($0)) }
                return (output: output, errors: try await errors)
            }
            let exit: Int32
            switch run.terminationStatus {
            case .exited(let code): exit = Int32(code)
            case .signaled(let number): exit = 128 + Int32(number)
            }
            let (output, errors) = run.closureResult
            return Call(
                result: RemoteResult(
                    exit: exit, output: output.bytes, errors: String(decoding: errors.bytes, as: UTF8.self)),
                began: output.began)
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw Failure(.system, "the program ssh is not installed", hint: "install the package openssh-client")
        }
    }

    /// A file without a name that holds `script`, and that only we can read. Not a pipe: if ssh ends before it has read all,
    /// Subprocess treats the broken pipe as a fault of the program.
    private func input(_ script: String) throws(Failure) -> FileDescriptor {
        let path = FilePath(directory).appending("script-\(UUID().uuidString)")
        do {
            let file = try FileDescriptor.open(
                path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: [.ownerReadWrite])
            unlink(path.string)
            do {
                try file.writeAll(script.utf8)
                try file.seek(offset: 0, from: .start)
                return file
            } catch {
                try? file.close()
                throw error
            }
        } catch {
            throw Failure(.system, "writing \(path): \((error as? Errno)?.description.lowercased() ?? "\(error)")")
        }
    }

    /// The script as a function that is called on the last line: a shell that reads its input in pieces runs nothing before
    /// it has all of it.
    private static func wrapped(_ script: String) -> String {
        "piflash_script() {\n\(script)\n}\nprintf '%s\\n' '\(sentinel)'\npiflash_script </dev/null\nexit $?\n"
    }

    private struct Collected: Sendable {
        var bytes: [UInt8]
        var began: Bool
    }

    private static func collect(
        _ stream: SubprocessOutputSequence, began: Bool, _ line: @Sendable (String) -> Void
    ) async throws -> Collected {
        var output = BoundedOutput(limit: outputLimit)
        var splitter = LineSplitter()
        var began = began
        var start: [UInt8] = []
        let wanted = Array("\(sentinel)\n".utf8)
        for try await buffer in stream {
            var bytes = buffer.withUnsafeBytes { Array($0) }
            if !began {
                start += bytes
                guard let place = start.firstRange(of: wanted) else {
                    // Its end may be the first part of the sentinel; the rest is of no use.
                    start = Array(start.suffix(wanted.count - 1))
                    continue
                }
                began = true
                bytes = Array(start[place.upperBound...])
                start = []
            }
            output.append(bytes)
            splitter.append(bytes, line)
        }
        splitter.finish(line)
        return Collected(bytes: output.bytes, began: began)
    }

    static func environment(_ settings: SSHSettings) -> Environment {
        guard !settings.environment.isEmpty else { return .inherit }
        var variables: [Environment.Key: String] = [:]
        for (name, value) in settings.environment { variables[Environment.Key(stringLiteral: name)] = value }
        return .custom(variables)
    }

    /// Whether `errors` ends with one of ssh's messages for a broken connection. The script's exit code can be 255, too.
    private static func reportsBreak(_ errors: String) -> Bool {
        guard let last = SSHFailure.lastLine(errors) else { return false }
        return [
            "closed by remote host", "Connection reset", "Broken pipe", "not responding", "mux_client",
            "client_loop", "Connection to ",
        ].contains { last.contains($0) }
    }
}
