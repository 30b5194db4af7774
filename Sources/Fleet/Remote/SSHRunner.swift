package import Diagnostics
import Foundation
import Subprocess
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// What a script on a node came to.
package struct RemoteResult: Sendable {
    /// The exit code; 128 and the signal's number when a signal ended it.
    package var exit: Int32
    package var output: [UInt8]
    package var errors: String

    package var text: String { String(decoding: output, as: UTF8.self) }
}

/// A line that a script prints.
package enum RemoteLine: Sendable {
    case output(String)
    case error(String)
}

/// Runs scripts on nodes by the user's own ssh.
///
/// The scripts go over standard input to `sh -s`: nothing that varies is part of a command line, here or there. All that
/// is done on a node goes through one connection, whose socket lies in a directory that only the user can enter; ``close()``
/// ends the connections and removes it.
package final class SSHRunner: Sendable {
    /// What every script prints first, on a line of its own. What comes before is the talk of the user's shell start-up
    /// files; a script that never prints it did not begin.
    private static let mark = "@piflash@"
    private static let outputLimit = 4 << 20

    private let settings: SSHSettings
    private let directory: String
    /// The connections that were opened: the node's name, its socket and where it leads.
    private let connections = Mutex<[String: (socket: String, address: String)]>([:])

    package init(settings: SSHSettings) throws(Failure) {
        self.settings = settings
        // A socket's path has at most 107 bytes, and ssh appends 17 of its own for a while.
        let runtime = settings.environment["XDG_RUNTIME_DIR"] ?? ""
        let base = runtime.hasPrefix("/") && runtime.utf8.count <= 60 && access(runtime, W_OK) == 0 ? runtime : "/tmp"
        // mkdtemp(3) puts letters of its own in the place of the six at the end.
        var template = Array("\(base)/piflash-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let made else {
            throw Failure(.system, "making a directory in \(base): \(String(cString: strerror(errno)).lowercased())")
        }
        directory = made
    }

    /// Ends every connection and removes the runtime directory.
    package func close() async {
        let open = connections.withLock { connections in
            defer { connections = [:] }
            return connections
        }
        // A task of its own, so that it is done also after a cancellation.
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

    /// Runs `script` on `host` and returns how it ended; throws when ssh does not get there, when the script could not
    /// begin, at `limit`, and when the task is cancelled.
    ///
    /// The script is read as a whole before it begins, so that a broken connection never leaves half of one running; its
    /// commands have no input. `lines` gets what is printed as it comes.
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
                        throw SSHFailure.judgeStart(
                            call.result.errors, exit: call.result.exit, host: address, user: user)
                    }
                    failure = SSHFailure.judge(call.result.errors, address: address)
                    if SSHFailure.isUnknownName(call.result.errors) { continue }
                    throw failure
                }
                if call.result.exit == 255, Self.tellsOfBreak(call.result.errors) {
                    throw Failure(
                        .unreachable,
                        "the connection to \(address) broke: \(SSHFailure.lastLine(call.result.errors) ?? "")",
                        hint: "what was begun there may have been finished, or not")
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
                    // A process that the cancellation ended is no answer.
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
        var arguments = settings.arguments(controlPath: socket)
        if let user = settings.user ?? host.user { arguments += ["-l", user] }
        arguments += ["--", address, privilege.command]

        var options = PlatformOptions()
        // Ctrl-C on the terminal is ours to handle: ssh is in a group of its own, with what it started (ProxyCommand).
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
            throw Failure(.system, "there is no ssh program", hint: "install OpenSSH's client: openssh-client")
        }
    }

    /// A file without a name that holds `script`, and can be read only by us. Not a pipe: an ssh that ends before it has
    /// read all would break it, which Subprocess takes for a fault of the program.
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

    /// A function, called on the last line: a shell that reads its script bit by bit runs nothing before it has all of it.
    private static func wrapped(_ script: String) -> String {
        "piflash_script() {\n\(script)\n}\nprintf '%s\\n' '\(mark)'\npiflash_script </dev/null\nexit $?\n"
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
        let wanted = Array("\(mark)\n".utf8)
        for try await buffer in stream {
            var bytes = buffer.withUnsafeBytes { Array($0) }
            if !began {
                start += bytes
                guard let place = start.firstRange(of: wanted) else {
                    if start.count > 1 << 20 { start.removeFirst(start.count - 1024) }
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

    private static func environment(_ settings: SSHSettings) -> Environment {
        guard !settings.environment.isEmpty else { return .inherit }
        var variables: [Environment.Key: String] = [:]
        for (name, value) in settings.environment { variables[Environment.Key(stringLiteral: name)] = value }
        return .custom(variables)
    }

    /// ssh's words for a connection that is gone; the script's own exit code can be 255 as well.
    private static func tellsOfBreak(_ errors: String) -> Bool {
        guard let last = SSHFailure.lastLine(errors) else { return false }
        return [
            "closed by remote host", "Connection reset", "Broken pipe", "not responding", "mux_client",
            "client_loop", "Connection to ",
        ].contains { last.contains($0) }
    }
}
