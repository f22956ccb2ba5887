import Dispatch
import FoundationEssentials
import Synchronization
import _CryptoExtras

/// Passwords as scrypt hashes (RFC 7914): `scrypt$<N>$<r>$<p>$<salt>$<hash>`, the last two in base 64.
public enum Passwords {
    /// OWASP's parameters for 32 MiB of memory.
    static let rounds = 1 << 15
    static let blockSize = 8
    static let parallelism = 3
    static let saltBytes = 16
    static let hashBytes = 32
    /// Longer ones are refused before any work.
    public static let lengthBytesMax = 1024
    /// Computations that wait for their turn; more are refused, so that guessing cannot fill the memory.
    static let waitingMax = 32

    /// One at a time: each takes 32 MiB and a good part of a second, and never runs on the cooperative pool.
    private static let queue = DispatchQueue(label: "hongyan.passwords")
    private static let waiting = Mutex(0)

    public static func hash(_ password: String) async throws -> String { try await hash(password, rounds: rounds) }

    static func hash(_ password: String, rounds: Int) async throws -> String {
        var source = SystemRandomNumberGenerator()
        let salt = (0..<saltBytes).map { _ in UInt8.random(in: 0...255, using: &source) }
        let key = try await derive(password, salt: salt, rounds: rounds, blockSize: blockSize, parallelism: parallelism, count: hashBytes)
        return "scrypt$\(rounds)$\(blockSize)$\(parallelism)$\(Data(salt).base64EncodedString())$\(Data(key).base64EncodedString())"
    }

    /// Compares in constant time. A hash we cannot read fits no password.
    public static func verify(_ password: String, _ hash: String) async throws -> Bool {
        let parts = hash.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
            let parallelism = Int(parts[3]),
            (1...(1 << 20)).contains(rounds), rounds & (rounds - 1) == 0, (1...32).contains(blockSize), (1...16).contains(parallelism),
            let salt = Data(base64Encoded: String(parts[4])), let key = Data(base64Encoded: String(parts[5])), (16...64).contains(key.count)
        else { return false }
        let ours = try await derive(
            password, salt: Array(salt), rounds: rounds, blockSize: blockSize, parallelism: parallelism, count: key.count)
        return zip(ours, key).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// A hash that no password fits, to spend the same time on a login that does not exist.
    static let decoy =
        "scrypt$\(rounds)$\(blockSize)$\(parallelism)$AAAAAAAAAAAAAAAAAAAAAA==$\(Data(count: hashBytes).base64EncodedString())"

    private static func derive(
        _ password: String, salt: [UInt8], rounds: Int, blockSize: Int, parallelism: Int, count: Int
    ) async throws -> [UInt8] {
        let bytes = Array(password.utf8)
        guard bytes.count <= lengthBytesMax else { throw PasswordError.tooLong }
        try waiting.withLock { number throws(PasswordError) in
            guard number < waitingMax else { throw PasswordError.busy }
            number += 1
        }
        defer { waiting.withLock { $0 -= 1 } }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async {
                continuation.resume(
                    with: Result {
                        let key = try KDF.Scrypt.deriveKey(
                            from: bytes, salt: salt, outputByteCount: count, rounds: rounds, blockSize: blockSize, parallelism: parallelism)
                        return key.withUnsafeBytes { Array($0) }
                    })
            }
        }
    }
}

public enum PasswordError: Error, CustomStringConvertible {
    case tooLong
    case busy

    public var description: String {
        switch self {
        case .tooLong: "the password is longer than \(Passwords.lengthBytesMax) bytes; choose a shorter one"
        case .busy: "too many logins at once; try again in a few seconds"
        }
    }
}
