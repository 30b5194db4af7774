import Diagnostics
import Subprocess
import Text

extension SSHRunner {
    /// The failure for a host key that ssh did not accept, with the exact commands that lead on. It is the node's own key:
    /// because our connections persist, ssh does not pass on what the ssh to a jump host says.
    func failure(_ problem: HostKeyProblem, of host: RemoteHost, at address: String) async -> Failure {
        problem.failure(
            title: host.title(at: address), written: settings.timesOfWriting[host.name],
            removals: problem == .changed ? await removals(of: host, at: address) : [],
            login: settings.command(for: host, at: address))
    }

    /// The commands that remove the host key of a node from the files that have one.
    private func removals(of host: RemoteHost, at address: String) async -> [String] {
        let known = await knownHost(of: host, at: address)
        var removals: [String] = []
        for file in known.userFiles where await holds(file, known.name) { removals.append(removal(known.name, file)) }
        for file in known.globalFiles where await holds(file, known.name) {
            removals.append("sudo " + removal(known.name, file))
        }
        return removals.isEmpty ? [removal(known.name, known.userFiles.first)] : removals
    }

    private func knownHost(of host: RemoteHost, at address: String) async -> KnownHost {
        guard let text = await output(of: "ssh", ["-G"] + settings.plainArguments(for: host, at: address)) else {
            return KnownHost(address: address)
        }
        return KnownHost(address: address, configuration: text)
    }

    /// Whether `file` has a key of the host `name`; names in it may be hashed.
    private func holds(_ file: String, _ name: String) async -> Bool {
        await output(of: "ssh-keygen", ["-F", name, "-f", file]) != nil
    }

    private func removal(_ name: String, _ file: String?) -> String {
        var words = ["ssh-keygen"]
        if let file, file != KnownHost.defaultFile { words += ["-f", file] }
        return (words + ["-R", name]).map(shellWord).joined(separator: " ")
    }

    /// What a program of this machine prints; nil if it fails.
    private func output(of program: String, _ arguments: [String]) async -> String? {
        let run = try? await Subprocess.run(
            .name(program), arguments: Arguments(arguments), environment: Self.environment(settings),
            output: .string(limit: 1 << 18), error: .discarded)
        guard let run, run.terminationStatus.isSuccess else { return nil }
        return run.standardOutput
    }
}
