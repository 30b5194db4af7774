import Filesystems
import Stacks
import Text

/// The files of a stack in the root partition.
extension Material.Stack {
    private var directory: String { "\(SwarmFormation.stackFilesDirectory)/\(name)" }
    private var environmentPath: String { "\(directory).env" }

    /// Without other files the compose file is alone, as on the cards of earlier versions.
    private var composePath: String {
        files.isEmpty ? "\(SwarmFormation.stacksDirectory)/\(name).yml" : "\(directory)/\(Self.composeName)"
    }

    /// Not a name that a file beside a compose file has.
    private static let composeName = ".piflash-stack.yml"

    /// The files that the first boot deletes as soon as the stack is deployed: Docker then has what is in them.
    var secretPaths: [String] {
        files.filter(\.isSecret).map { "\(directory)/\($0.path)" } + (environment.isEmpty ? [] : [environmentPath])
    }

    /// Changes if anything changes that the stack is made of. It is on the boot partition, which anyone can read: without
    /// the rack's key nobody can try which password gives it.
    func digest(key: RackKeys) -> String {
        if files.isEmpty, environment.isEmpty { return Text.digest(of: [contents]) }
        var parts = [Array(key.host.privateKey.utf8), contents]
        for file in files { parts += [Array(file.path.utf8), file.contents] }
        for variable in environment { parts += [Array(variable.name.utf8), Array(variable.value.utf8)] }
        return Text.digest(of: parts)
    }

    var rootEdits: [TreeChange] {
        func file(_ path: String, _ contents: [UInt8]) -> TreeChange {
            TreeChange(.file(contents: contents, mode: 0o600), at: path)
        }
        var edits = [file(composePath, contents)]
        edits += files.map { file("\(directory)/\($0.path)", $0.contents) }
        let secrets = files.filter(\.isSecret).map { $0.path + "\n" }.joined()
        if !secrets.isEmpty { edits.append(file("\(directory).secrets", Array(secrets.utf8))) }
        if !environment.isEmpty {
            let lines = environment.map { "export \($0.name)=\(shellQuoted($0.value))\n" }.joined()
            edits.append(file(environmentPath, Array(lines.utf8)))
        }
        return edits
    }
}
