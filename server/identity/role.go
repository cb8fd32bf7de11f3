package identity

import (
	"strings"

	"google.golang.org/protobuf/proto"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// RoleName is a role as certificates and configurations write it:
// "privacy-officer" for ROLE_PRIVACY_OFFICER.
func RoleName(role wertfachv1.Role) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_")), "_", "-")
}

// ParseRole is the role of that name, if there is one.
func ParseRole(name string) (wertfachv1.Role, bool) {
	for _, role := range Roles() {
		if RoleName(role) == name {
			return role, true
		}
	}
	return wertfachv1.Role_ROLE_UNSPECIFIED, false
}

// Roles are all roles in the schema's order.
func Roles() []wertfachv1.Role {
	var roles []wertfachv1.Role
	values := wertfachv1.Role(0).Descriptor().Values()
	for i := range values.Len() {
		if role := wertfachv1.Role(values.Get(i).Number()); role != wertfachv1.Role_ROLE_UNSPECIFIED {
			roles = append(roles, role)
		}
	}
	return roles
}

// OfPeople says whether the schema gives a role to people: a machine has it only
// while it acts for a person who has it too.
func OfPeople(role wertfachv1.Role) bool {
	value := role.Descriptor().Values().ByNumber(role.Number())
	if value == nil {
		return false
	}
	person, _ := proto.GetExtension(value.Options(), wertfachv1.E_Person).(bool)
	return person
}
