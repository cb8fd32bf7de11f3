package telemetry

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// rpcs are the API's methods as gRPC calls them, "/wertfach.v1.ArtefactService/GetArtefact",
// and as they are told, "ArtefactService/GetArtefact".
type rpcs map[string]string

// readRPCs reads them from the schema.
func readRPCs() rpcs {
	all := rpcs{}
	pkg := wertfachv1.File_wertfach_v1_annotations_proto.Package()
	protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				short := string(service.Name()) + "/" + string(service.Methods().Get(j).Name())
				all["/"+string(pkg)+"."+short] = short
			}
		}
		return true
	})
	return all
}
