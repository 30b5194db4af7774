import Filesystems
import Text

#if canImport(Glibc)
    import Glibc
#endif

/// Finds secrets in files in the form that they have there: quoted or encoded, a secret is a different text.
enum SecretMarks {
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

    static func mark(_ edit: TreeChange, hiding secrets: Set<String>) -> Provision.RootChange {
        guard case .file(let contents, _) = edit.action else { return Provision.RootChange(edit) }
        let others = AccountFiles.hashes(at: edit.path, in: contents)
        return Provision.RootChange(edit, sensitive: present(secrets, in: contents).union(others))
    }

    private static func present(_ secrets: Set<String>, in contents: [UInt8]) -> Set<String> {
        var found: Set<String> = []
        for secret in secrets {
            let quoted = String(YAML.quoted(secret).dropFirst().dropLast())
            // In a unit of systemd "%" is doubled.
            let unit = secret.replacing(scalar: "%", with: "%%")
            for form in [secret, quoted, unit, CloudConfig.base64(Array(secret.utf8))] where contains(contents, form) {
                found.insert(form)
            }
        }
        return found
    }

    /// By UTF-8, not by characters: to Swift, a carriage return and a line end are one character.
    private static func contains(_ contents: [UInt8], _ part: String) -> Bool {
        let part = Array(part.utf8)
        guard let first = part.first, part.count <= contents.count else { return false }
        return contents.withUnsafeBytes { bytes in
            var start = 0
            while let base = bytes.baseAddress, start + part.count <= bytes.count,
                let found = memchr(base + start, Int32(first), bytes.count - part.count + 1 - start)
            {
                if memcmp(found, part, part.count) == 0 { return true }
                start = base.distance(to: found) + 1
            }
            return false
        }
    }
}
