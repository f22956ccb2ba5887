import Domain
import FoundationEssentials
import Glibc
import Rules

/// Reads secrets from where they may live: systemd's credentials, the environment, a file. Never from the configuration itself.
struct SecretReader: Sendable {
    let environment: [String: String]
    /// Where relative paths count from: the configuration file's folder, with a slash at its end.
    var folder = ""
    /// False: what cannot be read here is left empty, because nothing will be logged in to.
    var areNeeded = true

    var always: SecretReader { SecretReader(environment: environment, folder: folder) }

    /// `{credential: name}` (systemd LoadCredential), `{env: NAME}` or `{file: path}`.
    func secret(_ node: YAMLNode) throws -> Secret {
        do { return try found(node) } catch  where !areNeeded && node.isMapping { return Secret("") }
    }

    private func found(_ node: YAMLNode) throws -> Secret {
        guard node.isMapping else {
            throw node.error("`\(node.name)` must not stand in this file; write {credential: name}, {env: NAME} or {file: path}")
        }
        let map = try node.mapping(keys: ["credential", "env", "file"])
        guard map.entries.count == 1, let entry = map.entries.first else {
            throw node.error("`\(node.name)` needs exactly one of credential, env and file")
        }
        let name = try entry.value.string()
        switch entry.key {
        case "env":
            guard let value = environment[name], !value.isEmpty else {
                throw entry.value.error("the environment has no \(name); set it, or use {credential: name} with systemd's LoadCredential")
            }
            return Secret(value)
        case "credential":
            guard let folder = environment["CREDENTIALS_DIRECTORY"], !name.contains("/") else {
                throw entry.value.error(
                    "there are no systemd credentials here; add LoadCredential=\(name):/path to the unit, or use {file: path}")
            }
            return try read("\(folder)/\(name)", entry.value)
        default:
            return try read(name.hasPrefix("/") ? name : folder + name, entry.value)
        }
    }

    /// A database URL may be written as it is (it often holds no password) or as a secret.
    func secretOrText(_ node: YAMLNode) throws -> Secret { node.isMapping ? try secret(node) : Secret(try node.string()) }

    private func read(_ path: String, _ node: YAMLNode) throws -> Secret {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw node.error("cannot read \(path): \(String(cString: strerror(errno))); create it, readable for the daemon's user")
        }
        let text = String(decoding: bytes, as: UTF8.self).trimmed
        guard !text.isEmpty else { throw node.error("\(path) is empty; write the secret into it") }
        return Secret(text)
    }
}
