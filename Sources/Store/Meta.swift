/// Small facts about the instance.
public struct Meta {
    let transaction: Transaction

    public func get(_ key: String) throws -> String? { throw StoreError.notBuilt }
    public func set(_ key: String, _ value: String) throws { throw StoreError.notBuilt }
}
