import Filesystems

/// Finds secrets in files as they stand there: a quoted or encoded text is another text.
enum Masking {
    static func mark(_ file: Provision.BootFile, hiding secrets: Set<String>) -> Provision.BootFile {
        var file = file
        file.sensitive.formUnion(present(secrets, in: file.contents))
        return file
    }

    static func mark(_ file: Provision.NodeFile, hiding secrets: Set<String>) -> Provision.NodeFile {
        var file = file
        file.sensitive.formUnion(present(secrets, in: file.contents))
        return file
    }

    static func mark(_ edit: RootEdit, hiding secrets: Set<String>) -> Provision.RootChange {
        guard case .file(let contents, _) = edit.change else { return Provision.RootChange(edit) }
        return Provision.RootChange(edit, sensitive: present(secrets, in: contents))
    }

    private static func present(_ secrets: Set<String>, in contents: [UInt8]) -> Set<String> {
        let text = String(decoding: contents, as: UTF8.self)
        var found: Set<String> = []
        for secret in secrets {
            let quoted = String(YAML.quoted(secret).dropFirst().dropLast())
            for form in [secret, quoted, CloudConfig.base64(Array(secret.utf8))] where contains(text, form) {
                found.insert(form)
            }
        }
        return found
    }

    /// By UTF-8, not by characters: a line end after a carriage return, say, is no character of its own.
    private static func contains(_ text: String, _ part: String) -> Bool {
        let text = Array(text.utf8)
        let part = Array(part.utf8)
        guard let first = part.first, part.count <= text.count else { return false }
        return (0...text.count - part.count).contains {
            text[$0] == first && text[$0..<$0 + part.count].elementsEqual(part)
        }
    }
}
